"""The way from a declared RouterConfig to the snapshot that a router serves."""
