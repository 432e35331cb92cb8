"""The metrics of /metrics, a part for each kind."""
