"""A minute that slides: how much was used in the last sixty seconds.

Amounts are summed up by twentieths of a second, and forgotten once the last moment of theirs is
sixty seconds ago: so a window never holds less than was used in any sixty seconds, and all is free
again after sixty seconds and a twentieth at the latest. An idle window holds nothing.
"""

from __future__ import annotations

from collections import deque

from airouter.bookkeeping.limit_counter import LimitCounter

STEPS_PER_SECOND = 20
SPAN = 60 * STEPS_PER_SECOND


def step_of(seconds: float) -> int:
    """Return the step, a twentieth of a second, of a moment."""
    return int(seconds * STEPS_PER_SECOND)


class Window(LimitCounter):
    """The uses of the last sixty seconds, at most `limit`: each counts from when it is told."""

    __slots__ = ("_sums",)

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._sums: deque[list[int]] = deque()
        """Steps before `at` and the amounts used, the oldest first; at most `SPAN` + 1 of them."""

    def advance(self, step: int) -> None:
        if step <= self.at:  # a clock that goes back: what is used now counts as late as it can
            return
        sums = self._sums
        if self.spent:
            sums.append([self.at, self.spent])
        self.spent = self.taken = 0
        while sums and sums[0][0] < step - SPAN:
            self.left += sums.popleft()[1]
        self.at = step

    def add(self, amount: int, step: int) -> None:
        """Take note of a use."""
        self.settle(step, step, 0, amount)

    def wait(self, step: int, amount: int) -> int | None:
        if amount > self.limit:
            return None
        self.advance(step)
        missing = amount - self.left
        if missing <= 0:
            return 0
        for used_at, used in (*self._sums, (self.at, self.spent)):
            missing -= used
            if missing <= 0:
                return used_at + SPAN + 1 - step
        return STEPS_PER_SECOND  # requests in flight hold it, which may have ended by then

    def until_idle(self, step: int) -> int:
        self.advance(step)
        if self.spent:  # as for whoever has just used some
            return self.at + SPAN + 1 - step
        latest = next((at for at, used in reversed(self._sums) if used), None)
        return 0 if latest is None else latest + SPAN + 1 - step


class RequestWindow(Window):
    """Requests of the last sixty seconds: each counts from when it was let through."""

    __slots__ = ()

    def advance(self, step: int) -> None:
        self.spent, self.taken = self.spent + self.taken, 0
        super().advance(step)

    def give_back(self, taken_at: int, reserved: int) -> None:
        """Undo a use, unless it is forgotten already."""
        self.advance(self.at)
        if taken_at == self.at:
            self.spent -= reserved
            self.left += reserved
            return
        for entry in reversed(self._sums):
            if entry[0] == taken_at:
                entry[1] -= reserved
                self.left += reserved
            if entry[0] <= taken_at:
                return
