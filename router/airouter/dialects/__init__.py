"""Wire formats: how a conversation is written. Pure functions, no I/O."""
