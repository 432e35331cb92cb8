"""A queue of keys: each key is worked on once, however often it was added.

Changes come in bursts, so a key waits for a moment of quiet before it is worked on, though never
for long. The work on one key never overlaps; work that fails is tried again, later each time. The
key says only where to look: what has changed is found by looking (level-triggered). So all of them
are looked at now and then, but only while no change is due: of a thousand it may be the last.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from airouter_operator.kube.errors import KubeError
from airouter_operator.retry import RetryLater

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random

K = TypeVar("K")

MOST_SLOW = 8
"""Keys whose work is slow, for each of those that may be worked on at a time."""

logger = logging.getLogger("airouter.operator")


@dataclass(frozen=True)
class QueueDelays:
    """Times that a key waits, in seconds."""

    quiet: float = 0.02
    """Without a further change, before a key is worked on."""
    longest: float = 0.5
    """Since its first change, after which it is worked on though more come in."""
    first_retry: float = 0.5
    longest_retry: float = 60.0
    slow: float = 0.25
    """After which work makes room for other keys: it waits for the API server, usually."""


@dataclass
class QueueEntry:
    """A key that waits, is worked on, or has failed. Times are those of the event loop."""

    since: float
    due: float
    waiting: bool = True
    unhurried: bool = False
    """Whether it waits until no other key is due."""
    working: bool = False
    failures: int = 0


class KeyedQueue(Generic[K]):
    """Works on keys, a bounded number at a time.

    Work that takes long makes room for other keys: a webhook that hangs holds up its own namespace.
    """

    def __init__(self, delays: QueueDelays, concurrency: int, random: Random) -> None:
        self._delays = delays
        self._random = random
        self._slots = asyncio.Semaphore(concurrency)
        self._most = concurrency * MOST_SLOW
        self._entries: dict[K, QueueEntry] = {}
        self._due: list[tuple[float, int, K]] = []
        self._unhurried: deque[K] = deque()
        self._count = 0
        self._added = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """Return the number of keys that wait."""
        return sum(entry.waiting for entry in self._entries.values())

    @property
    def is_idle(self) -> bool:
        """True while no key waits or is worked on."""
        return not self._entries

    def add(self, key: K) -> None:
        """Have a key worked on soon."""
        now = self._now()
        entry = self._entries.get(key)
        since = now
        if entry is not None and entry.waiting and not entry.unhurried:
            since = entry.since
        due = min(since + self._delays.longest, now + self._delays.quiet)
        self._wait(key, due, since)

    def look_at(self, key: K) -> None:
        """Have a key worked on once no other is due: nothing says that it has changed.

        One whose work has failed is worked on soon: what was in the way may be over.
        """
        entry = self._entries.get(key)
        if entry is None:
            now = self._now()
            self._entries[key] = QueueEntry(now, now, unhurried=True)
            self._unhurried.append(key)
            self._added.set()
        elif entry.failures or not entry.waiting:  # or it may have been looked at already
            self.add(key)

    async def run(self, work: Callable[[K], Awaitable[None]]) -> None:
        """Work on keys, until cancelled; `work` raises anything for a key to be tried again.

        It ends when all work has: what that leaves is there for whoever comes after.
        """
        try:
            while True:
                await self._slots.acquire()
                key = await self._next()
                entry = self._entries[key]
                entry.waiting, entry.unhurried, entry.working = False, False, True
                task = asyncio.create_task(self._attempt(work, key, entry), name=f"work on {key}")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _wait(self, key: K, due: float, since: float) -> None:
        entry = self._entries.setdefault(key, QueueEntry(since, due))
        entry.since, entry.due, entry.waiting, entry.unhurried = since, due, True, False
        if not entry.working:
            self._schedule(key, due)

    def _schedule(self, key: K, due: float) -> None:
        # The count keeps the heap from comparing keys.
        self._count += 1
        heapq.heappush(self._due, (due, self._count, key))
        self._added.set()

    async def _next(self) -> K:
        """Return the key that is to be worked on now, as soon as there is one."""
        while (key := self._take()) is None:
            await self._until_due()
        return key

    def _take(self) -> K | None:
        """Return the key that has been due for longest, or else one to look at; None without."""
        # An item stays in its line when its key is put off or started: it is passed over here.
        while self._due and self._due[0][0] <= self._now():
            due, _, key = heapq.heappop(self._due)
            entry = self._entries.get(key)
            if entry is not None and is_free(entry) and not entry.unhurried and entry.due <= due:
                return key
        while self._unhurried:
            key = self._unhurried.popleft()
            entry = self._entries.get(key)
            if entry is not None and is_free(entry) and entry.unhurried:
                return key
        return None

    async def _until_due(self) -> None:
        """Sleep until the next key is due or one is added."""
        self._added.clear()
        delay = self._due[0][0] - self._now() if self._due else None
        try:
            async with asyncio.timeout(delay):
                await self._added.wait()
        except TimeoutError:
            pass

    async def _attempt(
        self, work: Callable[[K], Awaitable[None]], key: K, entry: QueueEntry
    ) -> None:
        """Work on a key once, and put it back into the queue where it has to be."""
        slot = contextlib.ExitStack()
        slot.callback(self._slots.release)
        slow = asyncio.get_running_loop().call_later(self._delays.slow, self._make_room, slot)
        try:
            await work(key)
        except RetryLater as later:
            logger.debug("%s: %s", key, later)
            self._retry(key, entry)
        except KubeError as error:
            logger.warning("%s: %s, will try again", key, error)
            self._retry(key, entry)
        except Exception as error:  # noqa: BLE001 - whatever fails is tried again
            # The message may quote a Secret; the type does not.
            logger.warning("%s: %s, will try again", key, type(error).__name__)
            self._retry(key, entry)
        else:
            entry.failures = 0
        finally:
            slow.cancel()
            slot.close()
            entry.working = False
            if entry.waiting:
                self._schedule(key, entry.due)
            else:
                del self._entries[key]

    def _make_room(self, slot: contextlib.ExitStack) -> None:
        if len(self._tasks) < self._most:
            slot.close()

    def _retry(self, key: K, entry: QueueEntry) -> None:
        """Have a key worked on again, later after each failure."""
        delays = self._delays
        entry.failures += 1
        delay = delays.first_retry * 2 ** min(entry.failures - 1, 16)
        delay = min(delays.longest_retry, delay) * (0.5 + self._random.random() / 2)
        if not entry.waiting:
            self._wait(key, self._now() + delay, since=self._now())

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def is_free(entry: QueueEntry) -> bool:
    """Return whether a key waits and is not worked on."""
    return entry.waiting and not entry.working
