"""What the router tells about its work: metrics, traces, logs. Written off the hot path."""
