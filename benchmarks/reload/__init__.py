"""How fast a change of a RouterConfig or a Secret reaches every pod, on a real API server."""
