"""A queue of keys: what is to be looked at, each key once, however often it was added.

Changes come in bursts, so a key waits for a moment of quiet before it is worked on, though never
for long. The work on one key never overlaps; work that fails is tried again, later each time. The
key says only where to look: what has changed is found by looking (level-triggered).
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random

K = TypeVar("K")

logger = logging.getLogger("airouter.operator")


class RetryLater(Exception):
    """The work cannot be done yet, and that is nothing to complain about; the message says why."""


@dataclass(frozen=True)
class QueueDelays:
    """Seconds."""

    quiet: float = 0.02
    """Without a further change, before a key is worked on."""
    longest: float = 0.5
    """Since its first change, after which it is worked on though more come in."""
    first_retry: float = 0.5
    longest_retry: float = 60.0


@dataclass
class QueueEntry:
    """A key that waits, is worked on, or has failed. Times are those of the event loop."""

    since: float
    due: float
    waiting: bool = True
    working: bool = False
    failures: int = 0


class KeyedQueue(Generic[K]):
    """Works on keys, a bounded number at a time."""

    def __init__(
        self,
        work: Callable[[K], Awaitable[None]],
        patience: QueueDelays,
        concurrency: int,
        random: Random,
    ) -> None:
        """`work` raises `Later` or whatever else when the key is to be tried again."""
        self._work = work
        self._patience = patience
        self._random = random
        self._slots = asyncio.Semaphore(concurrency)
        self._entries: dict[K, QueueEntry] = {}
        self._due: list[tuple[float, int, K]] = []
        self._count = 0
        self._added = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """Keys that wait."""
        return sum(entry.waiting for entry in self._entries.values())

    def add(self, key: K) -> None:
        """Have a key worked on soon."""
        now = self._now()
        entry = self._entries.get(key)
        if entry is None or not entry.waiting:
            due = now + self._patience.quiet
        else:
            due = min(entry.since + self._patience.longest, now + self._patience.quiet)
        self._wait(key, due, since=entry.since if entry and entry.waiting else now)

    async def run(self) -> None:
        """Work, until cancelled."""
        try:
            while True:
                await self._start_due()
                await self._until_due()
        finally:
            for task in self._tasks:
                task.cancel()

    def _wait(self, key: K, due: float, since: float) -> None:
        entry = self._entries.setdefault(key, QueueEntry(since, due))
        entry.since, entry.due, entry.waiting = since, due, True
        if not entry.working:
            self._schedule(key, due)

    def _schedule(self, key: K, due: float) -> None:
        self._count += 1
        heapq.heappush(self._due, (due, self._count, key))
        self._added.set()

    async def _start_due(self) -> None:
        """Start the work on all keys whose time has come."""
        while self._due and self._due[0][0] <= self._now():
            due, _, key = heapq.heappop(self._due)
            entry = self._entries.get(key)
            if entry is None or entry.working or not entry.waiting or entry.due > due:
                continue  # it was put off, or is worked on already
            entry.waiting, entry.working = False, True
            await self._slots.acquire()
            task = asyncio.create_task(self._attend(key, entry), name=f"work on {key}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _until_due(self) -> None:
        """Sleep until the next key is due or one is added."""
        self._added.clear()
        delay = self._due[0][0] - self._now() if self._due else None
        try:
            async with asyncio.timeout(delay):
                await self._added.wait()
        except TimeoutError:
            pass

    async def _attend(self, key: K, entry: QueueEntry) -> None:
        """Work on a key once, and see what follows."""
        try:
            await self._work(key)
        except RetryLater as later:
            logger.debug("%s: %s", key, later)
            self._fail(key, entry)
        except Exception as error:  # noqa: BLE001 - whatever fails is tried again
            # What it says may quote a Secret; its type does not.
            logger.warning("%s: %s, will try again", key, type(error).__name__)
            self._fail(key, entry)
        else:
            entry.failures = 0
        finally:
            self._slots.release()
            entry.working = False
            if entry.waiting:
                self._schedule(key, entry.due)
            else:
                del self._entries[key]

    def _fail(self, key: K, entry: QueueEntry) -> None:
        """Have a key worked on again, later each time."""
        patience = self._patience
        entry.failures += 1
        delay = patience.first_retry * 2 ** min(entry.failures - 1, 16)
        delay = min(patience.longest_retry, delay) * (0.5 + self._random.random() / 2)
        if not entry.waiting:
            self._wait(key, self._now() + delay, since=self._now())

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
