"""The HTTP client and WebSockets: pools, timeouts, streaming, drain. Their face is in `wire.py`."""
