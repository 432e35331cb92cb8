"""Keeps a pod's leases in touch with the ledger: once a second, and when a request finds none left.

One exchange is under way at a time. Requests that need more meanwhile share the next one.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from airouter.limits.ledger.base import LedgerError

if TYPE_CHECKING:
    from airouter.limits.ledger.base import RemoteLedger
    from airouter.limits.ledger.leases import Leases

logger = logging.getLogger("airouter.limits")

EVERY = 1.0
"""Seconds between two regular exchanges."""


class Exchanger:
    """Exchanges words with a ledger. Lives as long as its connection."""

    def __init__(self, leases: Leases, ledger: RemoteLedger) -> None:
        self._leases = leases
        self._ledger = ledger
        self._turn = asyncio.Lock()
        self._next: asyncio.Task[None] | None = None
        self._regular: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with regular exchanges."""
        self._regular = asyncio.create_task(self._keep_in_touch())

    async def ask(self) -> None:
        """Return after an exchange that has begun after this call, or once it is let go of."""
        if self._next is None:
            self._next = asyncio.create_task(self._exchange_next())
        await asyncio.wait({self._next})

    async def exchange_all(self, *, leaves: bool = False) -> None:
        """Have a regular exchange, about all leases."""
        async with self._turn:
            await self._exchange(regular=True, leaves=leaves)

    async def leave(self) -> None:
        """Tell the ledger that the pod leaves, and let go of it."""
        self._stop()
        await self.exchange_all(leaves=True)
        await self._ledger.close()

    async def close(self) -> None:
        """Let go of the ledger, for another one."""
        self._stop()
        await self._ledger.close()

    def _stop(self) -> None:
        for task in (self._regular, self._next):
            if task is not None:
                task.cancel()

    async def _keep_in_touch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await self.exchange_all()
            await asyncio.sleep(max(0.0, began + EVERY - loop.time()))

    async def _exchange_next(self) -> None:
        async with self._turn:
            self._next = None  # who needs something from now on is not in this one
            await self._exchange(regular=False)

    async def _exchange(self, *, regular: bool, leaves: bool = False) -> None:
        """Speak of all leases that are due. Never raises: the next exchange comes in any case."""
        leases = self._leases
        due = leases.due(regular=regular)
        for at, some in enumerate(due, 1):
            try:
                message = leases.message(some, regular=regular, leaves=leaves and at == len(due))
                answer = await self._ledger.exchange(message)
                leases.accept(some, message, answer)
            except LedgerError as error:
                leases.fail(some, str(error))
                return
            except Exception:
                logger.exception("an exchange with the ledger of limits failed")
                leases.fail(some, "a fault of the router")
                return
            except BaseException:
                leases.fail(some, "interrupted")
                raise
