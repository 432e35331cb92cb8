"""The responses that this process works on in the background."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from airouter.bounds.shares import Shares
from airouter.dialects.responses.render_stream import PING
from airouter.failures import Failure
from airouter.responses.background.job import FLUSH_EVERY, Job
from airouter.responses.background.progress import (
    DEAD_AFTER,
    RUNNING,
    alive,
    ended,
    last_event,
    later_than,
    response_status,
)
from airouter.responses.events import LAST
from airouter.responses.records import guarded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from airouter.bounds.held_bytes import Holding
    from airouter.responses.caller import ServeCaller
    from airouter.responses.records import Archive, StoredResponse

ENDING = 5.0
"""Seconds that a job gets to store its end."""
MOST_JOBS = 512
"""Of all tenants; one alone may have half of them."""


class Jobs:
    """The jobs of one process, by the id of their response."""

    def __init__(self, serve: ServeCaller) -> None:
        self._serve = serve
        self._running: dict[str, Job] = {}
        self._places = Shares(MOST_JOBS)
        self.heartbeat = 0.0
        """The longest silence of who follows a response, in seconds; 0.0 for no bound."""

    async def start(
        self,
        headers: dict[bytes, bytes],
        body: bytes,
        record: StoredResponse,
        archive: Archive,
        recalled: Holding,
    ) -> None:
        """Begin a job for the client of `recalled`. Raises `Failure` 429, 503."""
        if not self._places.take(archive.tenant):
            what = "This router makes as many responses in the background as it can for you."
            raise Failure(429, what, type="rate_limit_error", code="rate_limit_exceeded")
        holding = recalled.another(0)
        job = self._running[record.id] = Job(headers, body, record, archive, holding)
        try:
            job.hold()
            await guarded(archive.keep(record))
        except BaseException:  # also of a client that is gone
            self._forget(record.id, archive)
            raise
        task = job.begin(self._serve)
        task.add_done_callback(lambda _: self._forget(record.id, archive))

    def _forget(self, id_: str, archive: Archive) -> None:
        self._running.pop(id_).holding.release()
        self._places.give_back(archive.tenant)

    async def follow(self, archive: Archive, id_: str, after: int) -> AsyncIterator[bytes]:
        """Yield the events of a response with greater numbers, as they come, and signs of life.

        Raises `Failure`.
        """
        first, over, yielded_at = 0, False, monotonic()
        while True:
            job = self._running.get(id_)
            changed = job.changed if job else None
            record = alive(await archive.find(id_))
            for batch in await archive.events(id_, first, record.events):
                over = over or LAST.search(batch or b"") is not None
                events, after = later_than(after, batch or b"")
                if events:
                    yielded_at = monotonic()
                    yield events
            first = max(record.events - 1, 0)  # that batch may grow
            if response_status(record) not in RUNNING:
                break
            await wait_for(changed, self.heartbeat or DEAD_AFTER)
            if 0.0 < self.heartbeat <= monotonic() - yielded_at:
                yielded_at = monotonic()
                yield PING
        if not over:  # its router died, or is just about to say it
            yield last_event(after + 1, record)

    async def cancel(self, archive: Archive, id_: str) -> StoredResponse:
        """Stop a job, wherever it runs; a finished response stays as it is. Raises `Failure`."""

        def cancelled(record: StoredResponse) -> StoredResponse | None:
            return ended(record, "cancelled") if response_status(record) in RUNNING else None

        record = await archive.change(id_, cancelled)
        if not msgspec.json.decode(record.response).get("background"):
            what = "Cannot cancel a synchronous response."
            raise Failure(400, what, code="invalid_request")
        if id_ in self._running:
            await end_of([self._running[id_].stop(cancelled=True)])
        return record

    async def close(self) -> None:
        """Stop all, and say so in their records."""
        await end_of([job.stop(cancelled=False) for job in self._running.values()])


async def end_of(tasks: Sequence[asyncio.Task[None] | None]) -> None:
    """Wait for tasks that end, though not for ever."""
    ending = {task for task in tasks if task is not None}
    if ending:
        await asyncio.wait(ending, timeout=ENDING)


async def wait_for(changed: asyncio.Event | None, longest: float) -> None:
    """Wait until a job here has more, or else for a while: at most some seconds."""
    if changed is None:
        await asyncio.sleep(FLUSH_EVERY)
        return
    try:
        async with asyncio.timeout(min(longest, DEAD_AFTER)):
            await changed.wait()
    except TimeoutError:
        pass
