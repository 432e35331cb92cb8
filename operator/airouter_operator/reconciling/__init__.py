"""From a key to what should be: a compiled and published snapshot, a status, and Events."""
