"""Replicas that share limits, in simulated time; their limiters, leases and ledger are real."""

from __future__ import annotations

import contextlib
import json
import random
from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate

import msgspec

from airouter.bookkeeping.book import Book, BookMemory
from airouter.bookkeeping.messages import LedgerAnswer, LedgerMessage
from airouter.bookkeeping.window import step_of
from airouter.config.snapshot import Auth, ClientKey, Limits, Model, Snapshot
from airouter.dialects.client_request import ClientRequest, parse_client_request
from airouter.failures import Failure
from airouter.limits import Limiter, Permit
from airouter.limits.ledger.base import LedgerError, RemoteLedger
from airouter.limits.ledger.exchanger import Exchanger
from airouter.limits.ledger.leases import Leases
from airouter.limits.ledger.redis import RedisLedger

TEAM = "client/team"
PATIENCE = 60.0
START = 1_750_000_000.0


def a_chat(**fields: object) -> ClientRequest:
    """A chat of about a hundred tokens in and, at most, a hundred out."""
    body = {"model": "m", "max_tokens": 100, "messages": "x" * 350, **fields}
    return parse_client_request(json.dumps(body).encode())


CHAT = a_chat()


class SimulatedLedger(RemoteLedger):
    """A ledger that a test can take away: a book, a Redis that is told the time, or another."""

    def __init__(self, time: Time, remote: RemoteLedger | None = None) -> None:
        self._time = time
        self._remote = remote
        self.book = Book(self.step)
        self.is_up = True
        self.late: list[LedgerMessage] = []
        """What came while it was paused."""
        self.is_paused = False
        self.exchanges = 0
        self.cut_off: set[str] = set()
        """Pods that do not reach it."""
        self.forget: Callable[[], None] = self._begin_anew
        """Has it start without what it knew."""

    def step(self) -> int:
        """Its time."""
        return step_of(self._time.now)

    async def exchange(self, message: LedgerMessage) -> LedgerAnswer:
        self.exchanges += 1
        if self.is_paused:
            self.late.append(message)
        if self.is_paused or not self.is_up or message.pod in self.cut_off:
            raise LedgerError("down")
        if isinstance(self._remote, RedisLedger):
            return await self._remote.exchange(message, self.step())
        if self._remote is not None:
            return await self._remote.exchange(message)
        answer = self.book.exchange(message)
        if answer is None:
            raise LedgerError("late")
        return answer

    async def go_on(self) -> None:
        """Take what came while it was paused, the last first, and tell nobody."""
        self.is_paused = False
        for message in reversed(self.late):
            with contextlib.suppress(LedgerError):
                await self.exchange(message)
        self.late.clear()

    def copy(self) -> bytes:
        """Copy what a book knows."""
        return msgspec.json.encode(self.book.memory())

    def go_back(self, copied: bytes) -> None:
        """Have a book start from a copy, as a server does that has lost its last writes."""
        self._begin_anew()
        self.book.remember(msgspec.json.decode(copied, type=BookMemory))

    def _begin_anew(self) -> None:
        self.book = Book(self.step)

    async def close(self) -> None:
        if self._remote is not None:
            await self._remote.close()


class Time:
    """The true time, in seconds."""

    now = START


class Replica:
    """One pod, whose clock is off by some seconds."""

    def __init__(self, name: str, time: Time, ledger: RemoteLedger, off: float) -> None:
        def clock() -> float:
            return time.now + off

        self.name = name
        self.leases = Leases(name, clock)
        self.limiter = Limiter(clock, self.leases, PATIENCE)
        self.exchanger = Exchanger(self.leases, ledger)
        self.limiter.ask = self.exchanger.ask

    def reload(self, limits: Limits, ledger_type: str = "Redis") -> None:
        """Set the limits of the client."""
        auth = Auth(clients=(ClientKey("team", "00" * 32, limits=limits),))
        self.limiter.reload(Snapshot(models=(Model("m"),), auth=auth, ledger=ledger_type))

    async def ask(self, request: ClientRequest = CHAT) -> Permit | None:
        """A request of the client; None where it is refused."""
        try:
            return self.limiter.reserve(TEAM, "m", request)
        except Failure as refused:
            try:
                return await self.limiter.reserve_later(TEAM, "m", request, refused)
            except Failure:
                return None


class Replicas:
    """Four replicas, and a log of what they let through."""

    def __init__(
        self,
        limits: Limits,
        remote: RemoteLedger | None = None,
        *,
        off: float = 0.0,
        shared: bool = True,
    ) -> None:
        """`off` is by how many seconds clocks are off; replicas that do not share count alone."""
        self.time = Time()
        self.ledger = SimulatedLedger(self.time, remote)
        self.limits = limits
        self.random = random.Random(1)
        self._off = off
        self._ledger_type = "Redis" if shared else "Local"
        self.pods: dict[str, Replica] = {}
        self.admitted: list[float] = []
        self._ticks: dict[str, float] = {}
        self._running: list[tuple[float, Permit]] = []
        """Requests of `overlap`, and when they end."""
        for name in "abcd":
            self.add(name)

    def add(self, name: str) -> Replica:
        """Start a replica, or one in the place of another."""
        off = self.random.uniform(-self._off, self._off)
        pod = self.pods[name] = Replica(name, self.time, self.ledger, off)
        pod.reload(self.limits, self._ledger_type)
        self._ticks[name] = self.time.now + self.random.random()
        return pod

    def kill(self, name: str) -> None:
        """End a replica without a word."""
        del self.pods[name]
        del self._ticks[name]

    def cut_off(self, name: str) -> None:
        """Keep a replica from the ledger."""
        self.ledger.cut_off.add(name)

    def reconnect(self, name: str) -> None:
        """Let a replica reach the ledger again."""
        self.ledger.cut_off.discard(name)

    async def demand(self, where: str, seconds: float) -> None:
        """A hundred requests a second: at one replica, at all of them, or moving every 5 s."""
        tick = 0
        until = self.time.now + seconds
        while self.time.now < until:
            tick += 1
            names = sorted(self.pods)
            at = {"all": tick, "one": 0, "moving": int(self.time.now / 5)}[where]
            permit = await self.ask(names[at % len(names)])
            if permit is not None:
                permit.settle(100, 50)
            await self.advance(0.01)

    async def settle(self) -> None:
        """Let the ledger begin, and all replicas meet it."""
        await self.advance(8.0)

    async def advance(self, seconds: float) -> None:
        """Let time pass, in which replicas speak with the ledger once a second."""
        until = self.time.now + seconds
        while self._ticks:
            name = min(self._ticks, key=self._ticks.__getitem__)
            at = self._ticks[name]
            if at > until:
                break
            self.time.now = max(self.time.now, at)
            self._ticks[name] = at + 1.0
            await self.pods[name].exchanger.exchange_all()
        self.time.now = until

    async def ask(self, name: str, request: ClientRequest = CHAT) -> Permit | None:
        """A request at a replica, noted if it was let through."""
        permit = await self.pods[name].ask(request)
        if permit is not None:
            self.admitted.append(self.time.now)
        return permit

    def most_in_a_minute(self) -> int:
        """The most that was let through in any sixty seconds."""
        log = self.admitted
        return max((bisect_left(log, at + 60.0) - first for first, at in enumerate(log)), default=0)

    def least_in_five_minutes(self, until: float) -> int:
        """The least in any five minutes that begin with a request and end in time."""
        log = self.admitted
        return min(
            bisect_left(log, at + 300.0) - first
            for first, at in enumerate(log)
            if at + 300.0 <= until
        )

    def lately(self) -> int:
        """The requests of the last minute, and a second."""
        return len(self.admitted) - bisect_left(self.admitted, self.time.now - 61)

    async def overlap(self, moments: int, pause: float, longest: float) -> list[int]:
        """Requests anywhere, one at each moment, of so many seconds; return how many ran at each.

        Those that run at the end go on when this is called again.
        """
        running, counts = self._running, []
        for _ in range(moments):
            permit = await self.ask(self.random.choice(sorted(self.pods)))
            if permit is not None:
                seconds = self.random.uniform(0.05, longest)
                running.append((self.time.now + seconds, permit))
            counts.append(len(running))
            await self.advance(pause)
            for done in [each for each in running if each[0] <= self.time.now]:
                running.remove(done)
                done[1].settle(1, 1)
        return counts

    async def tokens(self, names: str, seconds: float, longest: float) -> TokensSettled:
        """Fifty requests a second of up to so many seconds; return what was settled when."""
        settled: list[tuple[float, int]] = []
        running: list[tuple[float, Permit]] = []
        until = self.time.now + seconds
        while self.time.now < until:
            permit = await self.ask(self.random.choice(names))
            if permit is not None:
                running.append((self.time.now + self.random.uniform(0.01, longest), permit))
            for done in [each for each in running if each[0] <= self.time.now]:
                running.remove(done)
                tokens_out = self.random.randint(20, 180)
                done[1].settle(100, tokens_out)
                settled.append((self.time.now, 100 + tokens_out))
            await self.advance(0.02)
        return TokensSettled(settled, until)


class TokensSettled:
    """Moments in their order and tokens, and when it was over."""

    def __init__(self, settled: list[tuple[float, int]], until: float) -> None:
        self._moments = [at for at, _ in settled]
        self._sums = [0, *accumulate(tokens for _, tokens in settled)]
        self._until = until

    @property
    def most_in_a_minute(self) -> int:
        """The most of any sixty seconds."""
        return max(self._from(at, 60) for at in self._moments)

    @property
    def least_in_five_minutes(self) -> int:
        """The least of any five minutes that begin with an answer and end in time."""
        return min(self._from(at, 300) for at in self._moments if at + 300 <= self._until)

    def _from(self, at: float, seconds: float) -> int:
        first = bisect_left(self._moments, at)
        return self._sums[bisect_left(self._moments, at + seconds)] - self._sums[first]
