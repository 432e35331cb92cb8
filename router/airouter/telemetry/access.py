"""The access log: one JSON line per request, never a prompt, never a key.

A consumer of records. It encodes a batch at once and leaves the writing to a `Shipper`: a reader
that stalls costs lines, which are counted, and never a request.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from airouter.costs import in_usd
from airouter.telemetry.shipper import Shipper

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.telemetry.record import Attempt, BanEvent, RequestRecord

CAPACITY = 4 * 2**20
"""Bytes of lines that wait for a slow reader: some ten thousand requests."""
WRITE = 64 * 2**10
"""Bytes per write, the usual size of a pipe."""


class AccessEntry(msgspec.Struct, frozen=True):
    """A line about one request. `docs/observability.md` explains the fields."""

    time: datetime
    request_id: str
    method: str
    path: str
    principal: str | None
    model: str | None
    credential: str | None
    upstream_model: str | None
    status: int
    error: str | None
    stream: bool
    duration_ms: float
    ttfb_ms: float | None
    overhead_ms: float
    attempts: int
    continued: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    cache_write_tokens: int
    cost_usd: float | None
    saved_usd: float | None
    price_version: str | None
    trace_id: str | None
    failed_attempts: list[str]
    bans: list[str]


class AccessLog:
    """Writes a line per record to a file descriptor."""

    def __init__(
        self,
        descriptor: int,
        *,
        capacity: int = CAPACITY,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._descriptor = descriptor
        self._wall = wall
        self._monotonic = monotonic
        self._encoder = msgspec.json.Encoder()
        self._shipper = Shipper(
            self._write, name="access-log", capacity=capacity, batch=WRITE, linger=0.0
        )

    @property
    def dropped(self) -> int:
        """Number of lines that were not written."""
        return self._shipper.dropped

    def consume(self, records: list[RequestRecord]) -> None:
        epoch = self._wall() - self._monotonic()
        lines = [entry_of(record, epoch) for record in records]
        self._shipper.put(self._encoder.encode_lines(lines), len(lines))

    def close(self, timeout: float) -> None:
        """Write the queued lines, waiting at most `timeout` seconds."""
        self._shipper.close(timeout)

    def _write(self, data: bytes) -> bool:
        """Write all of `data`; blocks while the reader does. False when the reader is gone."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            return False
        return True


def entry_of(record: RequestRecord, epoch: float) -> AccessEntry:
    """Return a request's line; `epoch` is the wall clock's time at the monotonic clock's zero."""
    last, cost = record.last, record.cost
    started = record.started
    return AccessEntry(
        datetime.fromtimestamp(epoch + record.ended, UTC),
        record.request_id,
        record.method,
        record.path,
        record.principal or None,
        record.model or None,
        last.credential if last is not None else None,
        last.upstream_name if last is not None else None,
        record.status,
        record.error,
        record.stream,
        milliseconds(record.ended - started),
        milliseconds(record.first_byte - started) if record.first_byte else None,
        milliseconds(record.overhead),
        len(record.attempts),
        record.continued,
        record.input_tokens,
        record.output_tokens,
        record.cached_tokens,
        record.reasoning_tokens,
        record.cache_write_tokens,
        in_usd(cost.amount) if cost is not None else None,
        in_usd(cost.saved) if cost is not None else None,
        record.price_version or None,
        record.trace.trace_id if record.trace is not None else None,
        [told_of(each) for each in record.attempts if each.error or each.status >= 400],
        [ban_of(each) for each in record.bans],
    )


def told_of(attempt: Attempt) -> str:
    """Return who failed, and how, such as `openai-main: 503`."""
    return f"{attempt.credential}: {attempt.error or attempt.status}"


def ban_of(ban: BanEvent) -> str:
    """Return who was banned, and why, such as `openai-main/gpt-4o: 429`."""
    whose = f"{ban.credential}/{ban.upstream_name}" if ban.upstream_name else ban.credential
    return f"{whose}: {ban.reason}"


def milliseconds(seconds: float) -> float:
    """Return milliseconds, rounded to the microsecond."""
    return round(seconds * 1000.0, 3)
