"""One budget in a ledger: what was spent in its period, and what is out with processes.

What is given to a process counts as spent from then on, until that process says what it has not
spent: so one that dies, or a ledger that starts again from what it wrote down, may make it count
too much, by what was out, and never too little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.bookkeeping.messages import KEPT
from airouter.bookkeeping.window import STEPS_PER_SECOND

if TYPE_CHECKING:
    from airouter.bookkeeping.messages import Line


class Given(msgspec.Struct):
    """Amount of a budget that a process has."""

    amount: int
    ends: int
    """The step at which it counts as spent for good."""
    total: int
    """What the process had spent at its last message."""


class Spent(msgspec.Struct, frozen=True, array_like=True):
    """A budget as it is written down."""

    amount: int
    keeps: int
    """Seconds for which it is to be kept."""


class BudgetMemory(msgspec.Struct, frozen=True, array_like=True):
    """All that there is to know of one budget."""

    used: int
    keeps: int
    kept_until: int
    given: dict[str, Given]


class BudgetAccount:
    """One budget in one period. Amounts are what its limit is in."""

    def __init__(self, now: int, spent: Spent | None = None) -> None:
        """`spent` is what was written down of it."""
        self.used = 0 if spent is None else spent.amount
        self.out = 0
        self.keeps = 0 if spent is None else spent.keeps
        self.kept_until = now + self.keeps * STEPS_PER_SECOND
        """The step at which it may be forgotten."""
        self._given: dict[str, Given] = {}

    @property
    def spent(self) -> int:
        """The amount that may have been spent."""
        return self.used + self.out

    def report(self, holder: str, line: Line, now: int) -> int:
        """Take what a process says, and return what others have; the process has what it holds."""
        for name, given in list(self._given.items()):
            if given.ends <= now:
                self.used += given.amount
                self.out -= given.amount
                del self._given[name]
        mine = self._given.get(holder)
        if mine is not None:
            self.used += max(0, line.total - mine.total)
        elif not line.spent:
            self.used += sum(amount for _, amount in line.uses)
        others = self.out - (0 if mine is None else mine.amount)
        self.used = max(self.used, line.spent - others - line.held)
        self.keeps, self.kept_until = line.keeps, now + line.keeps * STEPS_PER_SECOND
        return others

    def give(self, holder: str, line: Line, amount: int, now: int) -> None:
        """Have a process have so much beside what it holds."""
        mine = self._given.get(holder)
        has = line.held + amount
        if mine is not None or has > 0 or line.uses:
            self.out += has - (0 if mine is None else mine.amount)
            self._given[holder] = Given(has, now + KEPT, line.total)

    def memory(self) -> BudgetMemory:
        """Return what it knows, for another ledger that goes on with it."""
        return BudgetMemory(self.used, self.keeps, self.kept_until, self._given)

    @classmethod
    def remembered(cls, memory: BudgetMemory) -> BudgetAccount:
        """Return an account that goes on with what another knew."""
        account = cls(0, Spent(memory.used, memory.keeps))
        account.kept_until = memory.kept_until
        account._given = dict(memory.given)
        account.out = sum(given.amount for given in memory.given.values())
        return account
