"""What an event loop does of some work in one go: as a share, whatever the speed of the machine."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncIterator

EVERY = 0.001
"""Seconds."""


class LoopWatch:
    """The CPU time of the loop's thread between two looks at the clock, and that of all threads."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = time.process_time()
        self._looked = time.thread_time()
        self._next = self._loop.call_soon(self._look)
        self.longest = 0.0
        """Seconds of the loop's longest stop."""
        self.spent = 0.0
        """Seconds that all threads have worked."""

    def _look(self) -> None:
        now = time.thread_time()
        self.longest = max(self.longest, now - self._looked)
        self._next = self._loop.call_later(EVERY, self._look)
        self._looked = time.thread_time()

    def end(self) -> None:
        """Look for the last time."""
        self._next.cancel()
        self.longest = max(self.longest, time.thread_time() - self._looked)
        self.spent = time.process_time() - self._began

    @property
    def share(self) -> float:
        """The longest stop as a share of all work."""
        return self.longest / self.spent


@contextlib.asynccontextmanager
async def loop_watched() -> AsyncIterator[LoopWatch]:
    """Watch the running loop, without collections: those of a worker of tests are of all tests."""
    gc.collect()
    gc.disable()
    watch = LoopWatch()
    await asyncio.sleep(0)
    try:
        yield watch
    finally:
        watch.end()
        gc.enable()
