"""Sends bytes from a thread of its own, so that a slow receiver never stops the router.

The access log's standard output may be a pipe that nobody reads, a collector of traces may hang:
the event loop hands bytes over here and goes on. What piles up beyond the capacity is dropped and
counted. `access.py` and `otlp_tracing.py` each have one.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

logger = logging.getLogger("airouter.telemetry")

Deliver = Callable[[bytes], bool]
"""Sends bytes, blocking as long as it takes; False when they are lost."""

IDLE = 60.0
"""Seconds after which an idle thread checks its queue."""


class Shipper:
    """A bounded queue and the thread that empties it."""

    def __init__(
        self, deliver: Deliver, *, name: str, capacity: int, batch: int, linger: float
    ) -> None:
        """Start the thread.

        Args:
            deliver: Called in the thread, with one or several pieces joined.
            name: Of the thread, and in what is logged.
            capacity: Bytes that may wait.
            batch: Bytes that are delivered at once, if so many wait; a piece is never split.
            linger: Seconds to wait for more than the first piece.
        """
        self.dropped = 0
        """Items that were not delivered."""
        self._deliver = deliver
        self._name = name
        self._capacity = capacity
        self._batch = batch
        self._linger = linger
        self._pieces: deque[tuple[bytes, int]] = deque()
        self._size = 0
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, data: bytes, items: int) -> None:
        """Queue a piece that holds so many items. Never blocks."""
        with self._changed:
            fits = not self._closing and self._size + len(data) <= self._capacity
            if fits:
                self._pieces.append((data, items))
                self._size += len(data)
                # The thread waits for these two moments only: waking it for each piece is costly.
                if len(self._pieces) == 1 or self._size >= self._batch:
                    self._changed.notify()
        if not fits:
            self._lose(items)  # outside of the lock, which it takes itself

    def close(self, timeout: float) -> None:
        """Deliver the queue, waiting at most `timeout` seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._wait()
                data, items = self._take()
            if data:
                self._send(data, items)
            elif self._closing:
                return

    def _wait(self) -> None:
        """Wait for a full batch, the first piece's longest wait, or the end."""
        self._changed.wait_for(lambda: self._pieces or self._closing, IDLE)
        if self._linger:
            self._changed.wait_for(lambda: self._size >= self._batch or self._closing, self._linger)

    def _take(self) -> tuple[bytes, int]:
        taken: list[bytes] = []
        size = items = 0
        while self._pieces and size < self._batch:
            data, count = self._pieces.popleft()
            taken.append(data)
            size += len(data)
            items += count
        self._size -= size
        return b"".join(taken), items

    def _send(self, data: bytes, items: int) -> None:
        try:
            delivered = self._deliver(data)
        except Exception:
            delivered = False
            logger.exception("%s failed", self._name)
        if not delivered:
            self._lose(items)

    def _lose(self, items: int) -> None:
        """Count lost items, and log the first loss."""
        with self._changed:
            first = self.dropped == 0
            self.dropped += items
        if first:
            logger.warning("%s: lost %d, and counts what else is lost", self._name, items)
