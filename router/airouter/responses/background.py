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

from airouter.failures import Failure
from airouter.responses.events import LAST
from airouter.responses.records import guarded
from airouter.responses.turn import RecordingExchange

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from airouter.interfaces import Exchange, Headers
    from airouter.responses.records import Archive, StoredResponse

    Serve = Callable[[Exchange], Awaitable[None]]

logger = logging.getLogger("airouter.responses")

Json = dict[str, Any]
FLUSH_EVERY = 0.25
"""Seconds between two batches, and between two looks at a job of another replica."""
BEAT_EVERY = 1.0
"""Seconds after which a job that has nothing new says that it lives."""
DEAD_AFTER = 30.0
"""Seconds without a beat after which nobody works on a response any more."""
ENDING = 5.0
"""Seconds that a job gets to store its end."""
LARGE_BATCH = 65_536
"""Bytes that a batch grows to."""
MOST_JOBS = 256
RUNNING = ("queued", "in_progress")
ENDS = ("completed", "incomplete")
"""Ends of a response that have events of their own; others fail."""
NUMBER = re.compile(rb'"sequence_number":\s*(\d{1,15})')


class Job(RecordingExchange):
    """The exchange of a response in the background."""

    __slots__ = (
        "_archive",
        "_batch",
        "_batches",
        "_beaten",
        "_cancelled",
        "_ending",
        "_final",
        "_newest",
        "_record",
        "_task",
        "_waiting",
        "changed",
        "id",
    )

    def __init__(
        self, headers: dict[bytes, bytes], body: bytes, record: StoredResponse, archive: Archive
    ) -> None:
        self.headers = headers
        self.body = body
        self.started = False
        self.source = None
        self.id = record.id
        self.changed = asyncio.Event()
        """Set at every batch, for those who follow it here."""
        self._record = record
        self._archive = archive
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False
        """Whether its client wants no more of it."""
        self._ending = False
        """Whether it is on its way out, on which nothing may stop it."""
        self._beaten = record.beat
        self._batches = 0
        self._batch = b""
        """The newest of them, which grows until it is large enough."""
        self._newest = b""
        self._waiting: list[bytes] = []
        self._final: StoredResponse | None = None

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

    async def keep(self, record: StoredResponse) -> None:
        self._final = record

    def begin(self, serve: Serve) -> asyncio.Task[None]:
        """Start to work on it."""
        self._task = asyncio.create_task(self._run(serve))
        return self._task

    def stop(self, *, cancelled: bool) -> asyncio.Task[None] | None:
        """End early, for its client or because the router stops; what ends it."""
        if self._task is not None and not self._ending:
            self._ending, self._cancelled = True, cancelled
            self._task.cancel()
        return self._task

    async def _run(self, serve: Serve) -> None:
        """Make the response. Ends early when the record says that it is cancelled."""
        serving = asyncio.ensure_future(serve(self))
        try:
            while not serving.done():
                await asyncio.wait({serving}, timeout=FLUSH_EVERY)
                if not await self._flush():
                    self._stop(ended(self._record, "cancelled"))
                    return
        except asyncio.CancelledError:
            if self._cancelled:
                self._stop(ended(self._record, "cancelled"))
            else:
                self._fail("server_error", "The router that made this response was stopped.")
        except Failure as failure:
            logger.info("a response in the background is given up: %s", failure)
        finally:
            self._ending = True
            serving.cancel()
            await asyncio.wait({serving})
            await self._close()

    async def _flush(self) -> bool:
        """Store what has come; whether to go on.

        A store that does not work is tried again until nobody believes in this response any more.
        Raises `Failure` then, and when the record is deleted.
        """
        if not self._waiting and time.time() - self._beaten < BEAT_EVERY:
            return True
        try:
            await self._keep_events()
            record = await self._archive.change(self.id, self._beat)
        except Failure as failure:
            if failure.status == 404 or time.time() - self._beaten > DEAD_AFTER:
                raise
            return True
        self._beaten = record.beat
        self._tell()
        return status_of(record) in RUNNING

    async def _keep_events(self) -> None:
        """Store what has come since the last time. Raises `Failure` 503."""
        if not self._waiting:
            return
        come = len(self._waiting)
        batch, number = b"".join(self._waiting), self._batches
        if self._batch and len(self._batch) + len(batch) <= LARGE_BATCH:
            batch, number = self._batch + batch, number - 1
        await self._archive.keep_events(self.id, number, batch)
        del self._waiting[:come]
        self._batch, self._batches = batch, number + 1

    def _beat(self, record: StoredResponse) -> StoredResponse | None:
        if status_of(record) not in RUNNING:
            return None
        record.beat = time.time()
        record.events = self._batches
        record.response = with_status(record.response, "in_progress")
        return record

    async def _close(self) -> None:
        """Store the end, unless the record has one already."""
        final = self._final

        def end(record: StoredResponse) -> StoredResponse | None:
            if status_of(record) not in RUNNING:
                return msgspec.structs.replace(record, events=self._batches)
            if final is None:
                return ended(record, "failed", "server_error", "The response broke off.")
            final.events = self._batches
            return final

        try:
            await self._archive.find(self.id)  # else what is deleted would leave events behind
            await self._keep_events()
            await self._archive.change(self.id, end)
        except Failure as failure:
            if failure.status != 404:
                logger.warning("the end of a response in the background is lost: %s", failure)
        self._tell()

    def _fail(self, code: str, message: str) -> None:
        self._stop(ended(self._record, "failed", code, message))

    def _stop(self, record: StoredResponse) -> None:
        """Tell those who follow it that nothing more comes."""
        self._waiting.append(last_event(self._next_number(), record))
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
        self._running: dict[str, Job] = {}

    async def start(
        self, headers: dict[bytes, bytes], body: bytes, record: StoredResponse, archive: Archive
    ) -> None:
        """Begin one. Raises `Failure` 429, 503."""
        if len(self._running) >= MOST_JOBS:
            what = f"This router makes at most {MOST_JOBS} responses in the background."
            raise Failure(429, what, type="rate_limit_error", code="rate_limit_exceeded")
        job = self._running[record.id] = Job(headers, body, record, archive)
        try:
            await guarded(archive.keep(record))
        except BaseException:  # also of a client that is gone
            del self._running[record.id]
            raise
        task = job.begin(self._serve)
        task.add_done_callback(lambda _: self._running.pop(record.id, None))

    async def follow(self, archive: Archive, id_: str, after: int) -> AsyncIterator[bytes]:
        """The events of a response with greater numbers, as they come. Raises `Failure`."""
        first, over = 0, False
        while True:
            job = self._running.get(id_)
            changed = job.changed if job else None
            record = alive(await archive.find(id_))
            for batch in await archive.events(id_, first, record.events):
                over = over or LAST.search(batch or b"") is not None
                events, after = later_than(after, batch or b"")
                if events:
                    yield events
            first = max(record.events - 1, 0)  # that batch may grow
            if status_of(record) not in RUNNING:
                break
            await wait_for(changed)
        if not over:  # its router died, or is just about to say it
            yield last_event(after + 1, record)

    async def cancel(self, archive: Archive, id_: str) -> StoredResponse:
        """Stop one, wherever it runs; one that is over stays as it is. Raises `Failure`."""

        def cancelled(record: StoredResponse) -> StoredResponse | None:
            return ended(record, "cancelled") if status_of(record) in RUNNING else None

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
    """Wait for what ends, though not for ever."""
    ending = {task for task in tasks if task is not None}
    if ending:
        await asyncio.wait(ending, timeout=ENDING)


def alive(record: StoredResponse) -> StoredResponse:
    """A record; failed, where nobody works on it any more."""
    if status_of(record) in RUNNING and time.time() - record.beat > DEAD_AFTER:
        return ended(record, "failed", "server_error", "The router that made it is gone.")
    return record


def status_of(record: StoredResponse) -> str:
    """The status of its response."""
    return msgspec.json.decode(record.response, type=Status).status


def with_status(response: bytes, status: str, **more: Any) -> bytes:
    """A response with another status."""
    fields = msgspec.json.decode(response, type=dict[str, msgspec.Raw])
    changed = {"status": status, **more}
    return msgspec.json.encode({**fields, **changed})


def ended(record: StoredResponse, status: str, code: str = "", message: str = "") -> StoredResponse:
    """A record whose response is over."""
    error = {"code": code, "message": message} if code else None
    response = with_status(record.response, status, error=error)
    return msgspec.structs.replace(record, response=response)


def last_event(number: int, record: StoredResponse) -> bytes:
    """The event that ends the stream of a response."""
    status = status_of(record)
    type_ = f"response.{status if status in ENDS else 'failed'}".encode()
    return b'event: %b\ndata: {"type":"%b","sequence_number":%d,"response":%b}\n\n' % (
        type_,
        type_,
        number,
        record.response,
    )


def later_than(after: int, events: bytes) -> tuple[bytes, int]:
    """Those events whose numbers are greater, and the greatest number now."""
    kept = []
    for event in events.split(b"\n\n"):
        found = NUMBER.search(event)
        if found and int(found[1]) > after:
            kept.append(event + b"\n\n")
            after = int(found[1])
    return b"".join(kept), after


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
