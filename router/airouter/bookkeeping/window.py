"""A minute that slides: how much was used in the last sixty seconds.

Amounts are summed up by twentieths of a second, and forgotten once the last moment of theirs is
sixty seconds ago: so a window never holds less than was used in any sixty seconds, and all is free
again after sixty seconds and a twentieth at the latest. An idle window holds nothing.
"""

from __future__ import annotations

from collections import deque

STEPS_PER_SECOND = 20
SPAN = 60 * STEPS_PER_SECOND


def step_of(seconds: float) -> int:
    """Return the step, a twentieth of a second, of a moment."""
    return int(seconds * STEPS_PER_SECOND)


class Window:
    """The uses of the last sixty seconds, at most `limit`. Times are steps.

    On the hot path `scope.py` reads and adds to `used` by hand, once the window is at the step.
    """

    __slots__ = ("_before", "_sums", "at", "limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        """The sum of all steps, that of `at` included."""
        self.at = -1
        """The step that the window has been brought to."""
        self._before = 0
        """The sum of the steps before that."""
        self._sums: deque[list[int]] = deque()
        """Those steps and their amounts, the oldest first; at most `SPAN` + 1 of them."""

    def advance(self, step: int) -> None:
        """Forget what is sixty seconds old at a step, and add to that from now on."""
        if step <= self.at:  # a clock that goes back: what is used now counts as late as it can
            return
        sums, newest = self._sums, self.used - self._before
        if newest:
            sums.append([self.at, newest])
        while sums and sums[0][0] < step - SPAN:
            self.used -= sums.popleft()[1]
        self._before = self.used
        self.at = step

    @property
    def _newest(self) -> int:
        """Amount that was used at the step of `at`."""
        return self.used - self._before

    def room(self, step: int) -> int:
        """Return what may still be used; below 0 where more was used than was reserved."""
        if self.at != step:
            self.advance(step)
        return self.limit - self.used

    def add(self, amount: int, step: int) -> None:
        """Take note of a use."""
        self.advance(step)
        self.used += amount

    def take_back(self, amount: int, step: int) -> None:
        """Undo a use, unless it is forgotten already."""
        if step == self.at:
            self.used -= min(amount, self._newest)
            return
        for entry in reversed(self._sums):
            if entry[0] <= step:
                undone = min(amount, entry[1]) if entry[0] == step else 0
                entry[1] -= undone
                self._before -= undone
                self.used -= undone
                return

    def wait_for(self, amount: int, step: int) -> int | None:
        """Return the steps after which so much is free; None where it never is."""
        missing = amount - self.room(step)
        if missing <= 0:
            return 0
        for used_at, used in (*self._sums, (self.at, self._newest)):
            missing -= used
            if missing <= 0:
                return used_at + SPAN + 1 - step
        return None

    def until_idle(self, step: int) -> int:
        """Return the steps after which all of it is free."""
        if self.at != step:
            self.advance(step)
        if not self.used:
            return 0
        if self.used > self._before:  # as for whoever has just used some
            return self.at + SPAN + 1 - step
        latest = next(entry[0] for entry in reversed(self._sums) if entry[1])
        return latest + SPAN + 1 - step
