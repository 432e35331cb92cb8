"""The ledger's arithmetic: the reference of `ledger.lua`, and all that a ledger elsewhere needs.

For each limit: what was used, summed up by steps, and what is out: granted to a process and not yet
reported as used. Both together never exceed the limit but by what pods report beyond their leases.
What is out with a process that falls silent counts as used at the moment at which its lease ends.

A pod that is out of sight may live on by its share, which is kept back for it. The sum of all
shares is never more than the whole: a pod that is new gets what others have let go of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.bookkeeping.messages import (
    KEPT,
    LEASE,
    MEMORY,
    SETTLING,
    SHARED,
    SLOTS_LEASE,
    SOON,
    TOO_LATE,
    WHOLE,
    LeaseGrant,
    LedgerAnswer,
)
from airouter.bookkeeping.window import SPAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airouter.bookkeeping.messages import LedgerMessage, Line


class KnownPod(msgspec.Struct):
    """A pod that the ledger knows."""

    process: str
    number: int
    seen: int
    share: int


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


class Book:
    """A ledger in memory."""

    def __init__(self, clock: Callable[[], int]) -> None:
        """`clock` returns steps."""
        self._clock = clock
        self._now = 0
        self._born = 0
        self._closed_until = 0
        """When it begins to grant: not before all that a former one granted is spent and over."""
        self._gap_since = 0
        self._alive_since = 0
        """The last span in which no pod came, which is as if the ledger had not been there."""
        self._swept = 0
        self._visible = 0
        """The pods that are not out of sight."""
        self._pods: dict[str, KnownPod] = {}
        self._accounts: dict[str, LimitAccount] = {}

    def exchange(self, message: LedgerMessage) -> LedgerAnswer | None:
        """Take what a pod says, and answer; None where it has said something newer before."""
        self._pass_time()
        pod = self._pods.get(message.pod) or KnownPod("", 0, 0, 0)
        known = pod.number if pod.process == message.process else 0
        if known >= message.number:
            return None
        is_known = message.heard and message.born == self._born
        if is_known and message.answered + message.since + LEASE < self._now:
            # The pod may be living by its share by now, which is to be kept.
            return LedgerAnswer(self._born, self._now, TOO_LATE, [])
        self._begin(message, known)
        self._pods[message.pod] = pod
        pod.process, pod.number, pod.seen = message.process, message.number, self._now
        lost = self._share_out(pod)
        grants = [self._grant(message.holder, line, lost) for line in message.lines]
        if message.leaves:
            del self._pods[message.pod]
        return LedgerAnswer(self._born, self._now, pod.share, grants)

    def _pass_time(self) -> None:
        """Bring all to now. A clock that goes back stands still."""
        now = max(self._now, self._clock())
        if now - self._now > LEASE:
            self._gap_since, self._alive_since = self._now, now
        self._now = now
        self._pods = {
            name: pod
            for name, pod in self._pods.items()
            if max(pod.seen, self._alive_since) + KEPT >= now
        }
        if now - self._swept > MEMORY:
            self._swept = now
            idle = [key for key, each in self._accounts.items() if each.seen + MEMORY < now]
            for key in idle:
                del self._accounts[key]

    def _begin(self, message: LedgerMessage, known: int) -> None:
        """Begin, where this is the first message; grant nothing, where it tells of a loss.

        `known` is the last message of the process that the ledger knows: it has lost what it
        answered after that, as a server does that starts from an old copy.
        """
        if not self._born:
            self._born = self._now
            self._closed_until = self._now + SETTLING
        if not message.heard:
            return
        if message.born != self._born:
            self._closed_until = max(self._closed_until, self._born + SPAN + LEASE)
        elif message.heard > known:
            self._closed_until = self._now + SPAN + LEASE

    def _share_out(self, pod: KnownPod) -> list[int]:
        """Give a pod its share, and return those of pods that are out of sight."""
        others = [each for each in self._pods.values() if each is not pod]
        lost = [each.share for each in others if each.seen + LEASE < self._now]
        fair = (SHARED - sum(lost)) // (1 + len(others) - len(lost))
        pod.share = min(fair, SHARED - sum(each.share for each in others))
        self._visible = 1 + len(others) - len(lost)
        return lost

    def _grant(self, holder: str, line: Line, lost: Iterable[int]) -> LeaseGrant:
        """Settle one line."""
        now = self._now
        account = self._accounts.setdefault(line.key, LimitAccount())
        account.seen = now
        account.forget(now)
        account.end_leases(
            now,
            slides=line.slides,
            alive_since=self._alive_since,
            gap_since=self._gap_since,
        )
        account.report(holder, line, now)
        kept = sum(line.limit * share // WHOLE for share in lost)
        others = account.out - account.held_by(holder)
        free = line.limit - account.used - kept - others - line.held
        amount, wait = self._amount(account, line, free, others)
        lasts = LEASE if line.slides else SLOTS_LEASE
        if line.held + amount > 0 or line.uses or holder in account.outs:
            account.hold(holder, line.held + amount, now + lasts, line.total)
        return LeaseGrant(amount, wait, max(0, free - amount))

    def _amount(self, account: LimitAccount, line: Line, free: int, others: int) -> tuple[int, int]:
        """Return what a process gets, and, where that is nothing, the steps until it may."""
        if self._now < self._closed_until:
            return 0, self._closed_until - self._now
        if free < max(line.least, 1):
            wait = account.wait_for(line.least - free, self._now) if line.slides else SOON
            return 0, min(wait, SOON) if others else wait
        ahead = min(line.wanted, free // self._visible)
        return min(free, max(line.needed, ahead)), 0
