"""One attempt at a backend, and a second one beside it."""
