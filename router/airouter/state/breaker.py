"""When to wait for a store: a response that is ready is not held back for one that keeps silent."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ENOUGH = 3
"""Waits in vain, one after the other, until nobody waits any more."""
REST = 5.0
"""Seconds until somebody tries again, and then only one."""


class Breaker:
    """Counts waits in vain."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._in_vain = 0
        self._rests_until = 0.0

    def may_wait(self) -> bool:
        """Whether an answer may be expected, or it is time to see."""
        if self._in_vain < ENOUGH:
            return True
        now = self._clock()
        if now < self._rests_until:
            return False
        self._rests_until = now + REST  # whoever asked now finds out for all
        return True

    def answered(self) -> None:
        """It works."""
        self._in_vain = 0

    def kept_silent(self) -> None:
        """No answer came in time."""
        self._in_vain += 1
        self._rests_until = self._clock() + REST
