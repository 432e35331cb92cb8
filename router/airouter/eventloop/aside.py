"""Work on large requests, done beside the event loop by one thread.

What Python does there gives way to the event loop every few milliseconds, so that small requests
are answered meanwhile. One call of a decoder does not: `untrusted.has_more_than` bounds what a body
can have in it, and with it the longest call.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from airouter.failures import too_many_large
from airouter.tuning import trim_heap

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

LARGE = 131_072
"""Bytes; what is made of fewer is done at once: the smallest items take 45 ms, others a few."""
MOST_WAITING = 256
PATIENCE, LONGER = 30.0, 10
"""Seconds that work waits for its turn, and how many times as long it does if it is owed."""


class Aside:
    """The thread, and the queue before it. Work is done in the order in which it came."""

    def __init__(self, patience: float = PATIENCE) -> None:
        """`patience` is seconds."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="aside")
        self._patience = patience
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def run(self, work: Callable[[], T], *, is_owed: bool = False) -> T:
        """Return what `work` returns, or raise what it raises. Raises `Failure` 503, too.

        Work that nobody waits for any more is not begun. What is owed is the rest of a request that
        a provider has answered: it waits for longer, and however many others wait.
        """
        if self._waiting >= MOST_WAITING and not is_owed:
            raise too_many_large()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience * (LONGER if is_owed else 1)):
                await self._turn.acquire()
        except TimeoutError:
            raise too_many_large() from None
        finally:
            self._waiting -= 1
        loop = asyncio.get_running_loop()
        self.trim()  # for what the work takes is not there yet
        doing = self._thread.submit(work)
        # The turn ends with the work, also where its client has left in the middle of it.
        doing.add_done_callback(lambda _: loop.call_soon_threadsafe(self._turn.release))
        try:
            return await asyncio.wrap_future(doing)
        finally:
            del doing  # an exception of the work has this frame, and would be in a cycle with it

    def trim(self) -> None:
        """Give back what is free in the heap: bodies that are gone leave a hundred megabytes there.

        Takes a tenth of a millisecond where nothing is free; the server has it done each second.
        """
        self._thread.submit(trim_heap)

    async def by_size(self, size: int, work: Callable[[], T], *, is_owed: bool = False) -> T:
        """Do work on so many bytes at once if they are few; see `run` for others."""
        return work() if size <= LARGE else await self.run(work, is_owed=is_owed)

    async def close(self) -> None:
        """Let the thread end, once its work is done."""
        await self._turn.acquire()
        self._thread.shutdown(wait=False)
