"""Work on the event loop: in turns, in one write, at once, or beside it."""
