"""Pods that share limits: their leases and their connections are real, their requests are not."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import msgspec

from airouter.bookkeeping.window import step_of
from airouter.limits.ledger.base import RemoteLedger
from airouter.limits.ledger.exchanger import Exchanger
from airouter.limits.ledger.lease import RequestLease
from airouter.limits.ledger.leases import Leases
from airouter.limits.ledger.operator import OperatorLedger

if TYPE_CHECKING:
    from airouter.bookkeeping.messages import LedgerAnswer, LedgerMessage
    from airouter.config.delivery import Stream

RPM = 1_000_000
PATIENCE = 10.0
"""Seconds, so that what a busy machine makes late is told as such and not lost."""
PER_SECOND = 10
"""Requests of each limit, at each pod."""


class TimedLedger(RemoteLedger):
    """An operator's ledger, and how long it took to answer."""

    def __init__(self, stream: Stream) -> None:
        self._ledger = OperatorLedger(PATIENCE)
        self._ledger.follow(stream)
        self.seconds: list[float] = []
        self.largest = 0

    async def exchange(self, message: LedgerMessage) -> LedgerAnswer:
        began = time.perf_counter()
        self.largest = max(self.largest, len(msgspec.json.encode(message)))
        answer = await self._ledger.exchange(message)
        self.seconds.append(time.perf_counter() - began)
        return answer

    def begin_anew(self) -> None:
        """Forget what was measured."""
        self.seconds.clear()
        self.largest = 0

    async def close(self) -> None:
        await self._ledger.close()


class BusyPod:
    """A pod with requests of all of its limits."""

    def __init__(self, number: int, limits: int, stream: Stream) -> None:
        self.ledger = TimedLedger(stream)
        self._leases = Leases(f"pod-{number}", time.monotonic)
        self._exchanger = Exchanger(self._leases, self.ledger)
        self._own = [
            self._leases.open(RequestLease, f"client:team-{k}:requests", RPM) for k in range(limits)
        ]

    async def run(self) -> None:
        """Spend and speak with the ledger, until cancelled."""
        self._exchanger.start()
        while True:
            step = step_of(time.monotonic())
            for lease in self._own:
                for _ in range(PER_SECOND // 5):
                    if lease.has(step, 1):
                        lease.take(step, 1)
                        lease.settle(step, step, 1, 1)
                    else:
                        lease.asked += 1
                        lease.contact.touched.add(lease)
            await asyncio.sleep(0.2)

    async def close(self) -> None:
        """Let go of the ledger."""
        await self._exchanger.close()
