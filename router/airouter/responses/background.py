"""Responses that are made while nobody waits: answered at once, polled, followed, cancelled.

A job's events go to the store in batches while it runs, so a client can follow it from any replica,
from the beginning or from any event on. A router that ends with a job in hand says so in its
record; of one that died without a word, the record's last beat is old.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.failures import Failure, store_unavailable
from airouter.responses.turn import Keeper
from airouter.state.base import StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from airouter.responses.records import Archive, Record
    from airouter.wire import Exchange, Headers

    Serve = Callable[[Exchange], Awaitable[None]]

logger = logging.getLogger("airouter.responses")

Json = dict[str, Any]
FLUSH_EVERY = 0.25
"""Seconds between two batches, and between two looks at a job of another replica."""
DEAD_AFTER = 30.0
"""Seconds without a beat after which nobody works on a response any more."""
ENDING = 5.0
"""Seconds that a job gets to store its end."""
MOST_JOBS = 256
RUNNING = ("queued", "in_progress")
NUMBER = re.compile(rb'"sequence_number":\s*(\d{1,15})')


class Job(Keeper):
    """The exchange of a response in the background."""

    __slots__ = (
        "_archive",
        "_batches",
        "_final",
        "_newest",
        "_record",
        "_waiting",
        "cancelled",
        "changed",
        "id",
    )

    def __init__(
        self, headers: dict[bytes, bytes], body: bytes, record: Record, archive: Archive
    ) -> None:
        self.headers = headers
        self.body = body
        self.started = False
        self.source = None
        self.id = record.id
        self.cancelled = False
        """Whether its client wants no more of it."""
        self.changed = asyncio.Event()
        """Set at every batch, for those who follow it here."""
        self._record = record
        self._archive = archive
        self._batches = 0
        self._newest = b""
        self._waiting: list[bytes] = []
        self._final: Record | None = None

    def respond(self, status: int, headers: Headers, body: bytes) -> None:  # noqa: ARG002
        """It failed before it began; or it is whole, where the provider does not stream."""
        if status != 200:
            said = msgspec.json.decode(body).get("error") or {}
            self._fail(str(said.get("code") or "server_error"), str(said.get("message") or ""))

    def start(self, status: int, headers: Headers) -> None:  # noqa: ARG002
        self.started = True

    def write(self, data: bytes) -> None:
        self._newest = data
        self._waiting.append(data)

    def end(self) -> None:
        pass

    def abort(self) -> None:
        self._fail("server_error", "The response broke off.")

    async def keep(self, record: Record) -> None:
        self._final = record

    async def run(self, serve: Serve) -> None:
        """Make the response. Ends early when the record says that it is cancelled."""
        serving = asyncio.ensure_future(serve(self))
        try:
            while not serving.done():
                await asyncio.wait({serving}, timeout=FLUSH_EVERY)
                if not await self._flush():
                    self._stop(ended(self._record, "cancelled"))
                    return
        except asyncio.CancelledError:
            if self.cancelled:
                self._stop(ended(self._record, "cancelled"))
            else:
                self._fail("server_error", "The router that made this response was stopped.")
        except (StoreError, Failure) as error:
            logger.warning("a response in the background is lost: %s", error)
        finally:
            serving.cancel()
            await asyncio.wait({serving})
            await self._close()

    async def _flush(self) -> bool:
        """Store what has come; whether to go on."""
        if self._waiting:
            batch, self._waiting = b"".join(self._waiting), []
            await self._archive.keep_events(self.id, self._batches, batch)
            self._batches += 1
        record = await self._archive.change(self.id, self._beat)
        self._tell()
        return status_of(record) in RUNNING

    def _beat(self, record: Record) -> Record | None:
        if status_of(record) not in RUNNING:
            return None
        record.beat = time.time()
        record.events = self._batches
        record.response = with_status(record.response, "in_progress")
        return record

    async def _close(self) -> None:
        """Store the end, unless the record has one already."""
        final = self._final

        def end(record: Record) -> Record | None:
            if status_of(record) not in RUNNING:
                return msgspec.structs.replace(record, events=self._batches)
            if final is None:
                return ended(record, "failed", "server_error", "The response broke off.")
            final.events = self._batches
            return final

        try:
            if self._waiting:
                await self._archive.keep_events(self.id, self._batches, b"".join(self._waiting))
                self._batches += 1
            await self._archive.change(self.id, end)
        except (StoreError, Failure) as error:
            logger.warning("the end of a response in the background is lost: %s", error)
        self._tell()

    def _fail(self, code: str, message: str) -> None:
        self._stop(ended(self._record, "failed", code, message))

    def _stop(self, record: Record) -> None:
        """Tell those who follow it that nothing more comes."""
        event = b'event: response.failed\ndata: {"type":"response.failed","sequence_number":%d,' % (
            self._next_number()
        )
        self._waiting.append(event + b'"response":%b}\n\n' % record.response)
        self._final = record

    def _next_number(self) -> int:
        found = NUMBER.findall(self._newest)
        return int(found[-1]) + 1 if found else 0

    def _tell(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class Jobs:
    """What this process works on in the background."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._running: dict[str, tuple[Job, asyncio.Task[None]]] = {}

    async def start(
        self, headers: dict[bytes, bytes], body: bytes, record: Record, archive: Archive
    ) -> None:
        """Begin one. Raises `Failure` 429, 503."""
        if len(self._running) >= MOST_JOBS:
            what = f"This router makes at most {MOST_JOBS} responses in the background."
            raise Failure(429, what, type="rate_limit_error", code="rate_limit_exceeded")
        try:
            await archive.keep(record)
        except StoreError:
            raise store_unavailable() from None
        job = Job(headers, body, record, archive)
        task = asyncio.create_task(job.run(self._serve))
        self._running[record.id] = job, task
        task.add_done_callback(lambda _: self._running.pop(record.id, None))

    async def follow(self, archive: Archive, id_: str, after: int) -> AsyncIterator[bytes]:
        """The events of a response with greater numbers, as they come. Raises `Failure`."""
        seen = 0
        while True:
            job, _ = self._running.get(id_, (None, None))
            changed = job.changed if job else None
            record = alive(await archive.find(id_))
            for batch in await archive.events(id_, seen, record.events):
                yield later_than(after, batch or b"")
            seen = record.events
            if status_of(record) not in RUNNING:
                return
            await wait_for(changed)

    async def cancel(self, archive: Archive, id_: str) -> Record:
        """Stop one, wherever it runs; one that is over stays as it is. Raises `Failure`."""

        def cancelled(record: Record) -> Record | None:
            return ended(record, "cancelled") if status_of(record) in RUNNING else None

        record = await archive.change(id_, cancelled)
        if not msgspec.json.decode(record.response).get("background"):
            what = "Cannot cancel a synchronous response."
            raise Failure(400, what, code="invalid_request")
        if id_ in self._running:
            job, task = self._running[id_]
            job.cancelled = True
            task.cancel()
            await asyncio.wait({task}, timeout=ENDING)
        return record

    async def close(self) -> None:
        """Stop all, and say so in their records."""
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=ENDING)


def alive(record: Record) -> Record:
    """A record; failed, where nobody works on it any more."""
    if status_of(record) in RUNNING and time.time() - record.beat > DEAD_AFTER:
        return ended(record, "failed", "server_error", "The router that made it is gone.")
    return record


def status_of(record: Record) -> str:
    """The status of its response."""
    return msgspec.json.decode(record.response, type=Status).status


def with_status(response: bytes, status: str, **more: Any) -> bytes:
    """A response with another status."""
    fields = msgspec.json.decode(response, type=dict[str, msgspec.Raw])
    changed = {"status": status, **more}
    return msgspec.json.encode({**fields, **changed})


def ended(record: Record, status: str, code: str = "", message: str = "") -> Record:
    """A record whose response is over."""
    error = {"code": code, "message": message} if code else None
    response = with_status(record.response, status, error=error)
    return msgspec.structs.replace(record, response=response)


def later_than(after: int, events: bytes) -> bytes:
    """Those events whose numbers are greater."""
    kept = []
    for event in events.split(b"\n\n"):
        found = NUMBER.search(event)
        if found and int(found[1]) > after:
            kept.append(event + b"\n\n")
    return b"".join(kept)


async def wait_for(changed: asyncio.Event | None) -> None:
    """Until a job here has more, else for a while."""
    if changed is None:
        await asyncio.sleep(FLUSH_EVERY)
        return
    try:
        async with asyncio.timeout(DEAD_AFTER):
            await changed.wait()
    except TimeoutError:
        pass


class Status(msgspec.Struct):
    """As much of a response as tells how far it is."""

    status: str = ""
