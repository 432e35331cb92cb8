"""A Redis, as whoever keeps something there by a script of its own speaks with it."""
