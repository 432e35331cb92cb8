"""Calls that block, away from the event loop.

The loop's own threads resolve names for every request: an identity that hangs must not take them.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MOST = 8


class Workers:
    """Threads, so many at once, that do not keep the process from ending."""

    def __init__(self, most: int = MOST) -> None:
        self._free = asyncio.Semaphore(most)

    async def run(self, call: Callable[[], T]) -> T:
        """Return or raise what `call` does. When this is cancelled, `call` runs on to its end."""
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        threading.Thread(
            target=self._work, args=(call, future, loop), name="airouter-identity", daemon=True
        ).start()
        return await asyncio.wrap_future(future)

    def _work(
        self, call: Callable[[], T], future: Future[T], loop: asyncio.AbstractEventLoop
    ) -> None:
        try:
            result = call()
        except Exception as error:  # noqa: BLE001 - whoever waits gets it
            future.set_exception(error)
        else:
            future.set_result(result)
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._free.release)
