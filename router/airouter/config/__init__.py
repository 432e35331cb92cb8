"""From what people declare to what a router serves: resource, compile, snapshot, store, sources."""
