"""The time from a change of a RouterConfig or a Secret to every pod, on a real API server."""
