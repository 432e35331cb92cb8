"""Takes records off the hot path and hands them on in batches.

The pipeline adds a `RequestRecord` when a request is over and goes on; metrics, spans and the
access log (the consumers, wired by `app.py`) get a batch from a callback of its own, so that no
request waits for what another leaves behind.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from airouter.telemetry.record import Consumer, RequestRecord

logger = logging.getLogger("airouter.telemetry")

BATCH = 64
"""Records that make a batch full: so few that handling them delays no request by much."""
LONGEST_WAIT = 0.1
"""Seconds that a record waits for others."""
CAPACITY = 10_000
"""Records that are kept while the event loop finds no time to hand them on."""


class Timer(Protocol):
    """A callback to come."""

    def cancel(self) -> None: ...


Schedule = Callable[[float, Callable[[], None]], Timer]
"""`loop.call_later`: a delay in seconds and what to call then."""


class Recorder:
    """Collects records and feeds the consumers."""

    def __init__(self, consumers: Sequence[Consumer], schedule: Schedule) -> None:
        self.dropped = 0
        """Records that no consumer saw."""
        self._consumers = tuple(consumers)
        self._schedule = schedule
        self._pending: list[RequestRecord] = []
        self._timer: Timer | None = None
        self._logged_failures: set[tuple[type, type]] = set()

    def add_consumer(self, consumer: Consumer) -> None:
        """Feed one more consumer."""
        self._consumers = (*self._consumers, consumer)

    def add(self, record: RequestRecord) -> None:
        """Queue a record, which the event loop hands on soon."""
        pending = self._pending
        if len(pending) >= CAPACITY:
            self.dropped += 1
            return
        pending.append(record)
        count = len(pending)
        if count == 1:
            self._timer = self._schedule(LONGEST_WAIT, self.flush)
        elif count == BATCH:
            # Not flushed here: the request that fills a batch would pay for all of it.
            self._schedule(0.0, self.flush)

    def flush(self) -> None:
        """Hand on all records: before metrics are read, and when the process ends."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._pending:
            return
        records, self._pending = self._pending, []
        for consumer in self._consumers:
            try:
                consumer.consume(records)
            except Exception as error:  # noqa: BLE001 - one consumer must not harm the others
                self._log_failure(consumer, error)

    def _log_failure(self, consumer: Consumer, error: Exception) -> None:
        """Log the first failure of each kind: a broken consumer fails ten times a second."""
        kind = (type(consumer), type(error))
        if kind not in self._logged_failures:
            self._logged_failures.add(kind)
            logger.error("%s lost a batch of records", kind[0].__name__, exc_info=error)
