"""One limit as a process counts it: what may be taken of it now, in plain numbers.

Requests take of several counters and end with several, so this is the innermost of the hot path:
`limits/counters.py` takes and settles by these numbers alone, and asks a counter only where they do
not say that there is enough.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

NO_STEP = -1


class LimitCounter(ABC):
    """A limit at a step of `window.py`: what may be taken of it, and what was."""

    __slots__ = ("at", "left", "limit", "spent", "taken")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.at = NO_STEP
        """The step for which `left` is true: for another one `has` finds it out."""
        self.left = limit
        """What may be taken; below 0 where more was used than was reserved."""
        self.taken = 0
        """What was reserved since the counter was brought to a step."""
        self.spent = 0
        """What reservations that have ended since then have used."""

    @abstractmethod
    def advance(self, step: int) -> None:
        """Bring the counter to a step, and remember what was taken and spent before."""

    def has(self, step: int, amount: int) -> bool:
        """Return whether so much may be taken."""
        if self.at != step:
            self.advance(step)
        return amount <= self.left

    def take(self, step: int, amount: int) -> None:
        """Reserve so much, which there is."""
        if self.at != step:
            self.advance(step)
        self.left -= amount
        self.taken += amount

    def settle(self, taken_at: int, step: int, reserved: int, used: int) -> None:  # noqa: ARG002
        """End a reservation of which so much was used."""
        if self.at != step:
            self.advance(step)
        self.left += reserved - used
        self.spent += used

    def give_back(self, taken_at: int, reserved: int) -> None:  # noqa: ARG002
        """End a reservation as if it had never been made."""
        self.left += reserved

    def resize(self, limit: int) -> None:
        """Set another limit; what was used counts on."""
        self.left += limit - self.limit
        self.limit = limit

    def room(self, step: int) -> int:
        """Return what may still be used, as far as is known."""
        if self.at != step:
            self.advance(step)
        return self.left

    @abstractmethod
    def until_idle(self, step: int) -> int:
        """Return the steps after which all of it is free, if nobody uses it."""

    @abstractmethod
    def wait(self, step: int, amount: int) -> int | None:
        """Return the steps after which there may be so much; None where it never is."""

    def may_get(self, step: int, amount: int) -> bool:  # noqa: ARG002
        """Return whether it is worth asking a ledger for so much: here there is none."""
        return False

    def need(self, step: int, amount: int) -> bool:  # noqa: ARG002
        """Take note of a request that waits for a ledger; False where it waits in vain."""
        return False
