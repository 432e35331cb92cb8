"""A count of what happened in the last seconds, in steps, so that it holds a few numbers only."""

from __future__ import annotations

from collections import deque

STEPS = 60
"""Parts of a window: what is in one is forgotten together."""


class RecentCount:
    """Counts events inside a window that slides. Times are on the clock of `time.monotonic()`."""

    __slots__ = ("_steps", "_total")

    def __init__(self) -> None:
        self._steps: deque[tuple[float, int]] = deque()
        """The time of the first event of each step, and how many it has."""
        self._total = 0

    def add(self, now: float, window: float) -> int:
        """Count an event, and return how many there were in the last `window` seconds."""
        steps = self._steps
        while steps and steps[0][0] <= now - window:
            self._total -= steps.popleft()[1]
        if steps and now - steps[-1][0] < window / STEPS:
            began, count = steps.pop()
            steps.append((began, count + 1))
        else:
            steps.append((now, 1))
        self._total += 1
        return self._total
