"""A network that loses, delays and reorders messages, and cuts pods off; and pods that die."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

import pytest

from airouter.bookkeeping.messages import LedgerAnswer, LedgerMessage
from airouter.config.snapshot import Limits
from airouter.failures import Failure
from airouter.limits import Permit
from airouter.limits.ledger.base import LedgerError, RemoteLedger
from support.replicas import CHAT, TEAM, Replica, SimulatedLedger, Time

TICK = 0.02
TIMEOUT = 0.5


class RoughNetwork(RemoteLedger):
    """A ledger behind a network in simulated time."""

    def __init__(self, time: Time, chance: random.Random) -> None:
        self.time = time
        self.chance = chance
        self.ledger = SimulatedLedger(time)
        self.cut_off: dict[str, float] = {}
        """Pods that reach nobody, and until when; the name "*" is for all."""
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def at(self, seconds: float, event: Callable[[], None]) -> None:
        """Have something happen after some seconds."""
        heappush(self._events, (self.time.now + seconds, next(self._order), event))

    def pass_time(self, seconds: float) -> None:
        """Have everything happen that is due."""
        until = self.time.now + seconds
        while self._events and self._events[0][0] <= until:
            self.time.now, _, event = heappop(self._events)
            event()
        self.time.now = until

    def is_cut_off(self, pod: str) -> bool:
        """Return whether a pod reaches nobody now."""
        return any(self.cut_off.get(name, 0.0) > self.time.now for name in (pod, "*"))

    def latency(self) -> float:
        """Seconds on the way; now and then, minutes in a buffer."""
        if self.chance.random() < 0.02:
            return self.chance.uniform(0.3, 90.0)
        return self.chance.expovariate(200.0)

    async def exchange(self, message: LedgerMessage) -> LedgerAnswer:
        reply: asyncio.Future[LedgerAnswer] = asyncio.get_running_loop().create_future()

        def fail() -> None:
            if not reply.done():
                reply.set_exception(LedgerError("timeout"))

        def answer(found: LedgerAnswer) -> None:
            if not reply.done() and not self.is_cut_off(message.pod):
                reply.set_result(found)

        def arrive() -> None:
            found = self.ledger.book.exchange(message)
            if found is not None and self.chance.random() > 0.03:
                self.at(self.latency(), lambda: answer(found))

        self.at(TIMEOUT, fail)
        if not self.is_cut_off(message.pod) and self.chance.random() > 0.03:
            self.at(self.latency(), arrive)
        return await reply

    async def close(self) -> None:
        """Nothing to let go of."""


class RoughDay:
    """Four pods on a rough network, and what they let through."""

    def __init__(self, limits: Limits, seed: int) -> None:
        self.chance = random.Random(seed)
        self.time = Time()
        self.network = RoughNetwork(self.time, self.chance)
        self.limits = limits
        self.names = count()
        self.pods: list[Replica] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.admitted: dict[int, float] = {}
        self.settled: list[tuple[float, int]] = []
        for _ in range(4):
            self.start()

    def start(self) -> None:
        """Start a pod."""
        name, off = str(next(self.names)), self.chance.uniform(-30, 30)
        pod = Replica(name, self.time, self.network, off)
        pod.reload(self.limits)
        self.pods.append(pod)

        def speak() -> None:
            if pod in self.pods:
                self.begin(pod.exchanger.exchange_all())
                self.network.at(1.0, speak)

        self.network.at(self.chance.random(), speak)

    def begin(self, task: object) -> None:
        """Have a coroutine run beside."""
        running = asyncio.ensure_future(task)  # type: ignore[call-overload]
        self.tasks.add(running)
        running.add_done_callback(self.tasks.discard)

    async def ask(self) -> None:
        """A request somewhere, which ends by and by, now and then without an answer."""
        pod = self.chance.choice(self.pods)
        try:
            permit = pod.limiter.reserve(TEAM, "m", CHAT)
        except Failure as refused:
            if self.chance.random() < 0.5:
                return
            try:
                permit = await pod.limiter.reserve_later(TEAM, "m", CHAT, refused)
            except Failure:
                return
        self.admit(pod, permit)

    def admit(self, pod: Replica, permit: Permit) -> None:
        """Note a request, and have it end."""
        number = len(self.settled) + next(self.names)
        self.admitted[number] = self.time.now

        def end() -> None:
            if pod not in self.pods:
                return
            if self.chance.random() < 0.1:
                permit.give_back()
                del self.admitted[number]
            else:
                permit.settle(100, 50)

        self.network.at(self.chance.expovariate(1.0), end)

    def trouble(self) -> None:
        """Cut somebody off, or have a pod die."""
        dice = self.chance.random()
        if dice < 0.0005:
            self.network.cut_off[self.chance.choice(self.pods).name] = (
                self.time.now + self.chance.uniform(1, 120)
            )
        elif dice < 0.0006:
            self.network.cut_off["*"] = self.time.now + self.chance.choice([2, 5, 60, 180])
        elif dice < 0.0008 and len(self.pods) > 2:
            self.pods.remove(self.chance.choice(self.pods))
            self.start()

    async def run(self, seconds: float) -> None:
        """Let time pass."""
        until = self.time.now + seconds
        while self.time.now < until:
            self.trouble()
            self.begin(self.ask())
            self.begin(self.ask())
            self.network.pass_time(TICK)
            for _ in range(8):
                await asyncio.sleep(0)
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.mark.parametrize("seed", [2, 5, 6, 9])
async def test_whatever_gets_lost_no_minute_has_more_than_allowed(seed: int) -> None:
    day = RoughDay(Limits(rpm=600), seed)
    await day.run(600)
    log = sorted(day.admitted.values())
    first, most = 0, 0
    for last, at in enumerate(log):
        while at - log[first] >= 60.0:
            first += 1
        most = max(most, last - first + 1)
    assert most <= 600
    assert len(log) > 1_000
