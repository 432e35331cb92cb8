"""The HTTP client and WebSockets: pools, timeouts, streaming, drain."""
