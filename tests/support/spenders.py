"""Replicas that spend of one budget, in simulated time; their budgets and leases are real."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from airouter.bookkeeping.book import Book
from airouter.bookkeeping.window import step_of
from airouter.config.budget import PeriodBudget
from airouter.config.snapshot import Auth, ClientKey, Snapshot
from airouter.failures import Failure
from airouter.limits.budgets.budgets import Budgets
from airouter.limits.ledger.base import LedgerError, RemoteLedger
from airouter.limits.ledger.exchanger import Exchanger
from airouter.limits.ledger.leases import Leases

if TYPE_CHECKING:
    from airouter.bookkeeping.messages import LedgerAnswer, LedgerMessage
    from airouter.limits.budgets.spending import Spending
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
        self.book = Book(self._step)

    def _step(self) -> int:
        return step_of(self._time.now)

    def lose_memory(self) -> None:
        """Start anew, without what it knew."""
        self.book = Book(self._step)

    async def exchange(self, message: LedgerMessage) -> LedgerAnswer:
        if not self.is_up:
            raise LedgerError("down")
        if self._redis is not None:
            return await self._redis.exchange(message, self._step())
        answer = self.book.exchange(message)
        if answer is None:
            raise LedgerError("late")
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

    async def reserve(self, amount: int) -> Spending | None:
        """Reserve so much for a request; None where it is refused."""
        try:
            return await self.budgets.reserve(self.budgets.of(TEAM), amount)
        except Failure:
            return None


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
