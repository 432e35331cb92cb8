"""The client of providers: pools of connections, WebSockets, and what is fetched for a request."""
