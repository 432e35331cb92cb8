"""One budget in a ledger: what was spent in its period, and what is out with processes.

What is given to a process counts as spent from then on, until that process says what it has not
spent: so one that dies, or a ledger that starts again from what it wrote down, may make it count
too much, by what was out, and never too little.

A ledger that is new, or begins anew from an old copy, is told by each process what the former one
said. The greatest of that counts, as it was said last, and beside it what each process has spent
and holds beyond what it knows to be in there: so what they spent as debt while no ledger answered
adds up, and what they give back is free again.
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
    counted: int
    """What it spends and holds counts beyond this: so much is in what a former ledger said."""


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
    born: int
    former: int


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
        self._born = 0
        """When the ledger began, by which processes tell it from a former one."""
        self._former = 0
        """The most that a former one is known to have counted."""

    @property
    def spent(self) -> int:
        """The amount that may have been spent."""
        return self.used + self.out

    def report(self, holder: str, line: Line, now: int, born: int) -> int:
        """Take what a process says, and return what others have; the process has what it holds.

        `born` is when the ledger began.
        """
        self._begin(born)
        self._end_leases(now)
        mine, told = self._given.get(holder), sum(amount for _, amount in line.uses)
        if mine is None:
            known = line.total - told
            mine = self._given[holder] = Given(0, now + KEPT, known, known)
        spent = max(0, line.total - mine.total)
        # A lease that comes again has a greater total than it had, and has told all of that.
        self.used += min(spent, told) if line.born in {0, born} else spent
        mine.total = line.total
        if line.born not in {0, born}:
            self.used += mine.counted - line.counted + max(0, line.spent - self._former)
            mine.counted, self._former = line.counted, max(self._former, line.spent)
        self.keeps, self.kept_until = line.keeps, now + line.keeps * STEPS_PER_SECOND
        return self.out - mine.amount

    def give(self, holder: str, line: Line, amount: int, now: int) -> None:
        """Have a process that has reported have so much beside what it holds."""
        mine, has = self._given[holder], line.held + amount
        self.out += has - mine.amount
        mine.amount, mine.ends = has, now + KEPT

    def _begin(self, born: int) -> None:
        """Begin, or begin anew: what is known is what a former ledger is known to have counted."""
        if self._born != born:
            self._born, self._former = born, self.spent
            for given in self._given.values():
                given.counted = given.total + given.amount

    def _end_leases(self, now: int) -> None:
        """Have what is out with processes that are silent be spent for good."""
        for name, given in list(self._given.items()):
            if given.ends <= now:
                self.used += given.amount
                self.out -= given.amount
                del self._given[name]

    def memory(self) -> BudgetMemory:
        """Return what it knows, for another ledger that goes on with it."""
        return BudgetMemory(
            self.used, self.keeps, self.kept_until, self._given, self._born, self._former
        )

    @classmethod
    def remembered(cls, memory: BudgetMemory) -> BudgetAccount:
        """Return an account that goes on with what another knew."""
        account = cls(0, Spent(memory.used, memory.keeps))
        account.kept_until = memory.kept_until
        account._given = dict(memory.given)
        account.out = sum(given.amount for given in memory.given.values())
        account._born, account._former = memory.born, memory.former
        return account
