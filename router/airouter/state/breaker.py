"""A circuit breaker: a response that is ready is not held back by a store that does not answer."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ENOUGH = 3
"""Consecutive timeouts after which calls fail at once."""
REST = 5.0
"""Seconds until one call tries again."""


class Breaker:
    """Counts consecutive timeouts of a store."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._in_vain = 0
        self._rests_until = 0.0

    def may_wait(self) -> bool:
        """Return True if the store answers, or if it is time to try again."""
        if self._in_vain < ENOUGH:
            return True
        now = self._clock()
        if now < self._rests_until:
            return False
        self._rests_until = now + REST  # whoever asked now finds out for all
        return True

    def answered(self) -> None:
        """Record an answer."""
        self._in_vain = 0

    def kept_silent(self) -> None:
        """Record a timeout."""
        self._in_vain += 1
        self._rests_until = self._clock() + REST
