"""The ledger's arithmetic: the reference of `ledger.lua`, and all that a ledger elsewhere needs.

For each limit: what was used, summed up by steps, and what is out: granted to a process and not yet
reported as used. Both together never exceed the limit but by what pods report beyond their leases.
What is out with a process that falls silent counts as used at the moment at which its lease ends.

A pod that is out of sight may live on by its share, which is kept back for it. The sum of all
shares is never more than the whole: a pod that is new gets what others have let go of. Of budgets
(`budget_account.py`) there are no shares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.bookkeeping.budget_account import BudgetAccount, BudgetMemory, Spent
from airouter.bookkeeping.limit_account import LimitAccount, Out
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
    WRITING,
    LeaseGrant,
    LedgerAnswer,
)
from airouter.bookkeeping.window import SPAN, STEPS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from airouter.bookkeeping.messages import LedgerMessage, Line

MOST_PODS = 20_000
MOST_LIMITS = 100_000
"""Pods that a book knows, those of the last hour included, and limits; and budgets as many."""


class KnownPod(msgspec.Struct):
    """A pod that the ledger knows."""

    process: str
    number: int
    seen: int
    share: int


class AccountMemory(msgspec.Struct, frozen=True, array_like=True):
    """All that there is to know of one limit."""

    uses: dict[int, int]
    """By seconds, each as late as the last step of it."""
    outs: dict[str, Out]
    seen: int


class BookMemory(msgspec.Struct, frozen=True, array_like=True):
    """All that a book knows, for another one that goes on with it."""

    now: int
    born: int
    closed_until: int
    pods: dict[str, KnownPod]
    accounts: dict[str, AccountMemory]
    budgets: dict[str, BudgetMemory]


class Book:
    """A ledger in memory."""

    def __init__(
        self,
        clock: Callable[[], int],
        spent: Mapping[str, Spent] | None = None,
        *,
        settling: int = SETTLING,
        learning: int = SETTLING,
    ) -> None:
        """`clock` returns steps; `settling` is how many of them it waits for pods it may know.

        `spent` is what was written down of budgets, by their keys. It grants no more of a budget
        than `let_spend` has raised that to, where that is so; None for a book of which nobody
        writes anything down. `learning` is how many steps it waits for what pods know of budgets:
        0 where all that a former book granted was written down.
        """
        self._clock = clock
        self._settling = settling
        self._learning = learning
        self._written: dict[str, int] | None = None
        self._asked: dict[str, dict[str, int]] = {}
        """What pods want of budgets beyond what is written down, by the keys of budgets."""
        self._beyond: set[str] = set()
        """The keys of budgets of which more may have been spent than is written down."""
        self._budgets: dict[str, BudgetAccount] = {}
        if spent is not None:
            self._written = {key: each.amount for key, each in spent.items()}
            self._budgets = {key: BudgetAccount(clock(), each) for key, each in spent.items()}
        self._now = 0
        self._born = 0
        self._closed_until = 0
        """When it begins to grant: not before all that a former one granted is spent and over."""
        self._has_learnt_at = 0
        """When it begins to grant of budgets: not before all pods have told what they know."""
        self._gap_since = 0
        self._alive_since = 0
        """The last span in which no pod came, which is as if the ledger had not been there."""
        self._swept = 0
        self._visible = 0
        """The pods that are not out of sight."""
        self._pods: dict[str, KnownPod] = {}
        self._accounts: dict[str, LimitAccount] = {}

    def exchange(self, message: LedgerMessage) -> LedgerAnswer | None:
        """Take what a pod says, and answer.

        None where it has said something newer before, or is one pod too many.
        """
        self._pass_time()
        pod = self._pods.get(message.pod) or KnownPod("", 0, 0, 0)
        known = pod.number if pod.process == message.process else 0
        if known >= message.number or (not pod.number and len(self._pods) >= MOST_PODS):
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

    def memory(self) -> BookMemory | None:
        """Return what it knows; None where nobody has come yet."""
        if not self._born:
            return None
        accounts = {
            key: AccountMemory(by_seconds(account.uses, self._now), account.outs, account.seen)
            for key, account in self._accounts.items()
        }
        budgets = {key: account.memory() for key, account in self._budgets.items()}
        return BookMemory(self._now, self._born, self._closed_until, self._pods, accounts, budgets)

    def remember(self, memory: BookMemory) -> None:
        """Go on with what another book knew, which grants nothing any more.

        The clock has to go on from where that one's was: as if no time had passed since, which
        gives too little and never too much. Each pod is out of sight until it comes, as it may have
        lived by its share meanwhile.
        """
        self._now = self._gap_since = self._alive_since = self._swept = memory.now
        self._born, self._closed_until = memory.born, memory.closed_until
        unseen = memory.now - LEASE - 1
        self._pods = {
            name: msgspec.structs.replace(pod, seen=min(pod.seen, unseen))
            for name, pod in memory.pods.items()
        }
        for key, known in memory.accounts.items():
            account = self._accounts[key] = LimitAccount()
            account.seen = known.seen
            for at, amount in known.uses.items():
                account.add(amount, at, memory.now)
            for holder, out in known.outs.items():
                account.hold(holder, out.amount, out.ends, out.total)
        for key, budget in memory.budgets.items():
            self._budgets[key] = BudgetAccount.remembered(budget)
        self._beyond.update(memory.budgets)

    def spent(self) -> dict[str, Spent]:
        """Return what may have been spent of each budget, all that is out included."""
        return {key: Spent(each.spent, each.keeps) for key, each in self._budgets.items()}

    def knows(self, key: str) -> bool:
        """Return whether it keeps the budget of a key."""
        return key in self._budgets

    def to_write(self, message: LedgerMessage, ahead: int) -> dict[str, Spent]:
        """Return what has to be written down before a message is answered; mostly nothing.

        By keys of budgets, with an `ahead`th of each to spare, so that it is seldom. What other
        pods wait for is in it, too: else only one of them got something by each write.
        """
        found: dict[str, Spent] = {}
        if self._written is None:
            return found
        for line in message.lines:
            account = self._budgets.get(line.key)
            former = 0 if line.born == self._born else line.spent
            spent = former if account is None else max(account.spent, former)
            wanted = max(line.needed, line.wanted)
            written = self._written.get(line.key, 0)
            if line.keeps and written < max(spent, min(line.limit, spent + wanted)):
                asked = self._asked.setdefault(line.key, {})
                asked[message.pod] = wanted
                enough = spent + sum(asked.values())
                most = max(spent, min(line.limit, enough + line.limit // ahead))
                found[line.key] = Spent(most, line.keeps)
        return found

    def not_written(self) -> dict[str, Spent]:
        """Return what was spent beyond what is written down, as debts are; mostly nothing."""
        written = self._written
        if written is None:
            return {}
        known = ((key, self._budgets.get(key)) for key in self._beyond)
        found = {
            key: Spent(each.spent, each.keeps)
            for key, each in known
            if each is not None and each.spent > written.get(key, 0)
        }
        self._beyond.intersection_update(found)
        return found

    def let_spend(self, written: Mapping[str, Spent]) -> None:
        """Grant up to what has been written down, by keys of budgets."""
        if self._written is not None:
            self._written |= {key: each.amount for key, each in written.items()}
            for key in written:
                self._asked.pop(key, None)

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
            for key in [key for key, each in self._budgets.items() if each.kept_until < now]:
                del self._budgets[key]
                (self._written or {}).pop(key, None)

    def _begin(self, message: LedgerMessage, known: int) -> None:
        """Begin, where this is the first message; grant nothing, where it tells of a loss.

        `known` is the last message of the process that the ledger knows. Where it answered a later
        one it has lost what came after that, as a server does that starts from an old copy: it
        begins anew, so that pods tell it what they heard.
        """
        if not self._born:
            self._born = self._now
            self._closed_until = self._now + self._settling
            self._has_learnt_at = self._now + self._learning
        if not message.heard:
            return
        if message.born == self._born and message.heard > known:
            self._born = max(self._now, self._born + 1)
        if message.born != self._born:
            self._closed_until = max(self._closed_until, self._born + SPAN + LEASE)
            self._has_learnt_at = max(self._has_learnt_at, self._born + self._learning)

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
        if line.key not in self._known(line) and len(self._known(line)) >= MOST_LIMITS:
            return LeaseGrant(0, SOON, 0)
        if line.keeps:
            return self._grant_budget(holder, line)
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

    def _known(self, line: Line) -> Collection[str]:
        """Return the keys of its kind."""
        return self._budgets if line.keeps else self._accounts

    def _grant_budget(self, holder: str, line: Line) -> LeaseGrant:
        """Settle one line of a budget."""
        account = self._budgets.setdefault(line.key, BudgetAccount(self._now))
        others = account.report(holder, line, self._now, self._born)
        free = left = line.limit - account.used - others - line.held
        if self._written is not None:
            written = self._written.get(line.key, 0)
            free = min(left, written - account.used - others - line.held)
        amount = wait = 0
        if self._now < self._has_learnt_at:
            wait = self._has_learnt_at - self._now
        elif free < max(line.least, 1):
            wait = SOON if left < max(line.least, 1) else WRITING
        else:
            amount = min(free, max(line.needed, min(line.wanted, free // self._visible)))
        account.give(holder, line, amount, self._now)
        if self._written is not None and account.spent > self._written.get(line.key, 0):
            self._beyond.add(line.key)
        return LeaseGrant(amount, wait, line.limit - account.spent)

    def _amount(self, account: LimitAccount, line: Line, free: int, others: int) -> tuple[int, int]:
        """Return what a process gets, and, where that is nothing, the steps until it may."""
        if self._now < self._closed_until:
            return 0, self._closed_until - self._now
        if free < max(line.least, 1):
            wait = account.wait_for(line.least - free, self._now) if line.slides else SOON
            return 0, min(wait, SOON) if others else wait
        ahead = min(line.wanted, free // self._visible)
        return min(free, max(line.needed, ahead)), 0


def by_seconds(uses: dict[int, int], now: int) -> dict[int, int]:
    """Return uses by seconds, each as late as the last step of it that is not in the future."""
    found: dict[int, int] = {}
    for at, amount in uses.items():
        last = min(now, at - at % STEPS_PER_SECOND + STEPS_PER_SECOND - 1)
        found[last] = found.get(last, 0) + amount
    return found
