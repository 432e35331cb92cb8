"""Sessions of the Responses API: a client's WebSocket, its lanes, and the sockets to providers."""
