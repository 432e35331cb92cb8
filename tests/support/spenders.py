"""Replicas that spend of one budget, in simulated time; their budgets and leases are real."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import msgspec

from airouter.bookkeeping.book import Book, BookMemory
from airouter.bookkeeping.window import step_of
from airouter.config.budget import PeriodBudget
from airouter.config.snapshot import Auth, ClientKey, Snapshot
from airouter.failures import Failure
from airouter.limits.budgets.budget_state import state_of
from airouter.limits.budgets.budgets import Budgets
from airouter.limits.estimates import NOTHING
from airouter.limits.ledger.base import LedgerError, RemoteLedger
from airouter.limits.ledger.exchanger import Exchanger
from airouter.limits.ledger.leases import Leases

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.bookkeeping.messages import LedgerAnswer, LedgerMessage
    from airouter.limits.budgets.spending import Spending
    from airouter.limits.ledger.budget_lease import BudgetLease
    from airouter.limits.ledger.redis import RedisLedger

TEAM = "client/team"
PATIENCE = 60.0
START = 1_795_910_400.0  # 2026-11-29, a Sunday, 00:00 UTC
USD = 10**9


class Time:
    """The true time, in seconds."""

    now = START


class SpentLedger(RemoteLedger):
    """A ledger that a test can take away: a book, or a real Redis that is told the time."""

    def __init__(self, time: Time, redis: RedisLedger | None) -> None:
        self._time = time
        self._redis = redis
        self.is_up = True
        self.loses_answers = False
        """True while what it says does not come back, though it has taken what it was told."""
        self.before_answer: Callable[[], None] = lambda: None
        """What happens while an answer is under way."""
        self.book = Book(self._step)

    def _step(self) -> int:
        return step_of(self._time.now)

    def lose_memory(self) -> None:
        """Start anew, without what it knew."""
        self.book = Book(self._step)

    def copy(self) -> bytes:
        """Copy what it knows."""
        return msgspec.json.encode(self.book.memory())

    def go_back(self, copied: bytes) -> None:
        """Start anew from a copy, as a server does that has lost its last writes."""
        self.book = Book(self._step)
        memory = msgspec.json.decode(copied, type=BookMemory | None)
        if memory is not None:
            self.book.remember(memory)

    @property
    def counted(self) -> int:
        """What it counts of its one budget."""
        return sum(each.amount for each in self.book.spent().values())

    async def exchange(self, message: LedgerMessage) -> LedgerAnswer:
        if not self.is_up:
            raise LedgerError("down")
        if self._redis is not None:
            return await self._redis.exchange(message, self._step())
        answer = self.book.exchange(message)
        self.before_answer()
        if answer is None or self.loses_answers:
            raise LedgerError("late or lost")
        return answer

    async def close(self) -> None:
        """As the interface has it."""


class Spender:
    """One replica."""

    def __init__(self, name: str, time: Time, ledger: RemoteLedger) -> None:
        leases = Leases(name, lambda: time.now)
        self.budgets = Budgets(leases, lambda: time.now, lambda: time.now, PATIENCE)
        self.exchanger = Exchanger(leases, ledger)
        self.budgets.ask = self.exchanger.ask

    @property
    def untold(self) -> int:
        """What it has spent beyond all that the ledger surely knows it to have."""
        lease = self._lease
        lease.note()
        return max(0, lease.total - lease._counted)

    @property
    def _lease(self) -> BudgetLease:
        (scope,) = self.budgets.of(TEAM)
        return scope.lease

    async def reserve(self, amount: int) -> Spending | None:
        """Reserve so much for a request; None where it is refused."""
        try:
            return await reserved(self.budgets, TEAM, amount)
        except Failure:
            return None


async def reserved(budgets: Budgets, tenant: str, amount: int) -> Spending:
    """Reserve so much for a request of a tenant. Raises `Failure` 429."""
    spending, short = budgets.reserve(budgets.of(tenant), amount, NOTHING)
    if short:
        await budgets.reserve_later(spending, amount, short)
    return spending


class Spenders:
    """Four replicas of one budget."""

    def __init__(
        self,
        budget: PeriodBudget,
        redis: RedisLedger | None = None,
        *,
        names: str = "abcd",
        start: float = START,
    ) -> None:
        """`start` is in Unix seconds."""
        self.time = Time()
        self.time.now = start
        self.ledger = SpentLedger(self.time, redis)
        self.budget = budget
        self.random = random.Random(1)
        self.pods: dict[str, Spender] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> Spender:
        """Start a replica, or one in the place of another."""
        pod = self.pods[name] = Spender(name, self.time, self.ledger)
        self.change(self.budget, pod)
        return pod

    def kill(self, name: str) -> None:
        """End a replica without a word."""
        del self.pods[name]

    async def heard_by(self, name: str) -> int:
        """What the ledger tells a replica to be spent."""
        budgets = self.pods[name].budgets
        await budgets.look(budgets.of(TEAM))
        (scope,) = budgets.of(TEAM)
        return state_of(scope).used

    def change(self, budget: PeriodBudget, *pods: Spender) -> None:
        """Reload replicas, by default all."""
        self.budget = budget
        client = ClientKey("team", "00" * 32, budgets=(budget,))
        for pod in pods or self.pods.values():
            pod.budgets.reload(Snapshot(auth=Auth(clients=(client,))))

    async def advance(self, seconds: float) -> None:
        """Let time pass, in which replicas speak with the ledger once a second."""
        until = self.time.now + seconds
        while self.time.now < until:
            self.time.now = min(until, self.time.now + 1.0)
            for pod in list(self.pods.values()):
                await pod.exchanger.exchange_all()
