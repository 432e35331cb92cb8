"""The operator's view of itself, for probes and Prometheus: health, counters, and gauges."""
