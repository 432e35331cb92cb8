"""The HTTP client: pools, timeouts, streaming, drain. Its face is `wire.Upstream`."""
