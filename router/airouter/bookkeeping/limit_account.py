"""One limit in the book of a ledger: its uses by steps, and what is out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.bookkeeping.messages import LEASE
from airouter.bookkeeping.window import SPAN

if TYPE_CHECKING:
    from airouter.bookkeeping.messages import Line


class Out(msgspec.Struct):
    """Amount of one limit that a process holds."""

    amount: int
    ends: int
    total: int
    """What the process had used of it at its last message."""


class LimitAccount:
    """One limit: its uses by steps, what is out by processes, and the sums of both."""

    def __init__(self) -> None:
        self.uses: dict[int, int] = {}
        self.used = 0
        self.outs: dict[str, Out] = {}
        self.out = 0
        self.seen = 0
        self._oldest = 0
        """The step before which uses are forgotten."""
        self._ends_from = 0
        """The step before which no lease ends."""

    def forget(self, now: int) -> None:
        """Forget uses that are sixty seconds old."""
        oldest = now - SPAN
        if oldest - self._oldest > len(self.uses):
            self.uses = {at: amount for at, amount in self.uses.items() if at >= oldest}
            self.used = sum(self.uses.values())
        else:
            for at in range(self._oldest, oldest):
                self.used -= self.uses.pop(at, 0)
        self._oldest = oldest

    def add(self, amount: int, at: int, now: int) -> None:
        """Take note of a use."""
        if amount > 0 and at >= now - SPAN:
            self.uses[at] = self.uses.get(at, 0) + amount
            self.used += amount

    def hold(self, holder: str, amount: int, ends: int, total: int) -> None:
        """Take note of what is out with a process."""
        self.out += amount - self.held_by(holder)
        self.outs[holder] = Out(amount, ends, total)
        self._ends_from = min(self._ends_from, ends)

    def held_by(self, holder: str) -> int:
        """Return what is out with a process."""
        out = self.outs.get(holder)
        return 0 if out is None else out.amount

    def end_leases(self, now: int, *, slides: bool, alive_since: int, gap_since: int) -> None:
        """Count what is out with processes that are silent."""
        if now < self._ends_from:
            return
        for holder, out in list(self.outs.items()):
            ends = out.ends
            if not slides and ends > gap_since:
                ends = max(ends, alive_since + LEASE)
            if ends <= now:
                if slides:
                    self.add(out.amount, ends, now)
                self.out -= out.amount
                del self.outs[holder]
        self._ends_from = min((out.ends for out in self.outs.values()), default=now + SPAN)

    def report(self, holder: str, line: Line, now: int) -> None:
        """Add those uses of a line that are not known yet: the latest."""
        unknown = listed = sum(amount for _, amount in line.uses)
        if holder in self.outs:
            unknown = max(0, min(listed, line.total - self.outs[holder].total))
        known = listed - unknown
        for age, amount in line.uses:
            of_it = min(known, amount)
            known -= of_it
            self.add(amount - of_it, now - age, now)

    def wait_for(self, missing: int, now: int) -> int:
        """Return the steps after which so much of the uses is forgotten."""
        for at in sorted(self.uses):
            missing -= self.uses[at]
            if missing <= 0:
                return at + SPAN + 1 - now
        return SPAN
