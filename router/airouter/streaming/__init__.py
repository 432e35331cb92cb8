"""The streams of clients: openings that are held back, signs of life, the forms of each API."""
