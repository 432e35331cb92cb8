"""The rest of a backend that failed: it is left alone for a while, and then tried by one request.

A rest that the provider asked for (`Retry-After`) is kept as it was asked. Any other is a guess:
half a second after the first failure, twice as long after each further one. When it is over the
backend is half open: the request that is sent there begins another rest, which its answer ends.
"""

from __future__ import annotations

import msgspec

FIRST_REST = 0.5
"""Seconds."""
LONGEST_REST = 30.0
LONGEST_ASKED = 3600.0
"""Seconds of a `Retry-After` that are believed."""


class Rest(msgspec.Struct):
    """The rest of one backend; times are on the clock of `time.monotonic()`."""

    until: float = 0.0
    asked_until: float = 0.0
    """The end of what the provider asked for."""
    seconds: float = 0.0
    """The length of the last guess; 0.0 before the first."""
    limited: bool = False
    """True where it began since limits were used up, and not since the backend is out of order."""

    def ask(self, now: float, seconds: float, *, limited: bool = True) -> None:
        """Rest as long as the provider wants."""
        self.limited = limited
        self.asked_until = now + min(seconds, LONGEST_ASKED)
        self.until = max(self.until, self.asked_until)

    def fail(self, now: float) -> None:
        """Rest after a failure, twice as long as after the one before."""
        self.limited = False
        self.seconds = min(2 * self.seconds, LONGEST_REST) or FIRST_REST
        self.until = max(self.until, now + self.seconds)

    def probe(self, now: float) -> None:
        """Rest anew while one request tries the backend."""
        self.until = max(self.until, now + (self.seconds or FIRST_REST))
