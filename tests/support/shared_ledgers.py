"""Replicas that share limits by each kind of ledger: a book, a real Redis, an operator over TLS."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from itertools import count
from pathlib import Path

from airouter.config.snapshot import Limits
from airouter.limits.ledger.operator import OperatorLedger
from airouter.limits.ledger.redis import RedisLedger
from airouter_operator.delivering.ledger import LimitLedger
from airouter_operator.delivering.ledger_store import LedgerStore
from support.redis_server import redis_server
from support.replicas import PATIENCE, Replicas
from support.stream_control import KEY, StreamControl, stream_control

OFF = 30.0
"""Seconds by which clocks of replicas are off."""
BEGINS = count(1 << 41, 1 << 30)


class Operated:
    """Replicas, and the operator whose ledger they share."""

    def __init__(self, limits: Limits, operator: StreamControl, ledger: OperatorLedger) -> None:
        self.operator = operator
        self.replicas = Replicas(limits, ledger, off=OFF)
        self.elect()

    def elect(self) -> None:
        """Have another leader."""
        self.operator.channels.withdraw_all()
        self.operator.publish("one", 1)
        channel = self.operator.channels.get(KEY)
        assert channel is not None
        store = LedgerStore(self.operator.secrets, KEY, "uid")
        channel.ledger = LimitLedger(store, self._clock_from)

    async def hand_over(self) -> None:
        """Have the leader end in order, though it is the same that leads next."""
        await self.operator.exchanges.hand_over()

    def _clock_from(self, step: int) -> Callable[[], int]:
        now = self.replicas.ledger.step
        begin, began = step or next(BEGINS), now()
        return lambda: begin + now() - began

    @contextlib.contextmanager
    def without_leader(self) -> Iterator[None]:
        """While this lasts, nobody leads."""
        self.operator.leads = self.operator.ready = False
        yield
        self.operator.leads = self.operator.ready = True


@contextlib.asynccontextmanager
async def operated(limits: Limits) -> AsyncIterator[Operated]:
    """Replicas that have settled."""
    async with stream_control() as operator:
        ledger = OperatorLedger(PATIENCE)
        ledger.follow(operator.stream)
        found = Operated(limits, operator, ledger)
        await found.replicas.settle()
        yield found
        await ledger.close()


@contextlib.asynccontextmanager
async def sharing_a_book(limits: Limits, _: Path) -> AsyncIterator[Replicas]:
    """Replicas that have settled, and whose ledger is in memory."""
    replicas = Replicas(limits, off=OFF)
    await replicas.settle()
    yield replicas


@contextlib.asynccontextmanager
async def sharing_a_redis(limits: Limits, folder: Path) -> AsyncIterator[Replicas]:
    """Those whose ledger is in a Redis, which loses all when it is killed."""

    def kill() -> None:
        server.stop()
        server.start()

    with redis_server(folder) as server:
        ledger = RedisLedger(server.url, timeout=PATIENCE)
        replicas = Replicas(limits, ledger, off=OFF)
        replicas.ledger.forget = kill
        await replicas.settle()
        yield replicas
        await ledger.close()


@contextlib.asynccontextmanager
async def sharing_an_operator(limits: Limits, _: Path) -> AsyncIterator[Replicas]:
    """Those whose ledger is in an operator."""
    async with operated(limits) as found:
        found.replicas.ledger.forget = found.elect
        yield found.replicas


Sharing = Callable[[Limits, Path], AbstractAsyncContextManager[Replicas]]
KINDS: list[Sharing] = [sharing_a_book, sharing_a_redis, sharing_an_operator]
