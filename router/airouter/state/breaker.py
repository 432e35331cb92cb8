"""A circuit breaker: a response that is ready is not held back by a store that does not answer."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_TIMEOUTS = 3
"""Consecutive timeouts after which calls fail at once."""
PAUSE = 5.0
"""Seconds until one call tries again."""


class Breaker:
    """Counts consecutive timeouts of a store."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._timeouts = 0
        self._paused_until = 0.0

    def may_wait(self) -> bool:
        """Return True if the store answers, or if it is time to try again."""
        if self._timeouts < MOST_TIMEOUTS:
            return True
        now = self._clock()
        if now < self._paused_until:
            return False
        self._paused_until = now + PAUSE  # this call tries for all others
        return True

    def answered(self) -> None:
        """Record an answer."""
        self._timeouts = 0

    def timed_out(self) -> None:
        """Record a timeout."""
        self._timeouts += 1
        self._paused_until = self._clock() + PAUSE
