"""The exchange of a response in the background, and the work on it.

A job's events go to the store in batches while it runs, so a client can follow it from any replica,
from the beginning or from any event on. A router that ends with a job in hand says so in its
record; of one that died without a word, the record's last beat is old.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

import msgspec

from airouter.bounds.held_bytes import OF_A_BODY
from airouter.failures import Failure
from airouter.interfaces import Exchange
from airouter.responses.background.progress import (
    DEAD_AFTER,
    NUMBER,
    RUNNING,
    ended,
    last_event,
    response_status,
    with_status,
)
from airouter.responses.caller import Caller

if TYPE_CHECKING:
    from airouter.bounds.held_bytes import Holding
    from airouter.interfaces import Headers
    from airouter.responses.caller import ServeCaller
    from airouter.responses.records import Archive, StoredResponse

logger = logging.getLogger("airouter.responses")

FLUSH_EVERY = 0.25
"""Seconds between two batches, and between two looks at a job of another replica."""
BEAT_EVERY = 1.0
"""Seconds after which a job that has nothing new says that it lives."""
LARGE_BATCH = 65_536
"""Bytes that a batch grows to."""


class Job(Exchange, Caller):
    """A response in the background."""

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
        "holding",
    )

    in_background = True

    def __init__(
        self,
        headers: dict[bytes, bytes],
        body: bytes,
        record: StoredResponse,
        archive: Archive,
        holding: Holding,
    ) -> None:
        self.headers = headers
        self.body = body
        self.started = False
        self.source = None
        self.changed = asyncio.Event()
        """Set at every batch, for those who follow it here."""
        self.holding = holding
        """The bytes of the body and the record, as long as it runs."""
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

    @property
    def response_id(self) -> str:
        return self._record.id

    def respond(self, status: int, headers: Headers, body: bytes) -> None:  # noqa: ARG002
        """Take an error, or a whole response from a provider that does not stream."""
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

    async def keep(self, record: StoredResponse, archive: Archive) -> None:  # noqa: ARG002
        self._final = record

    def hold(self) -> None:
        """Hold what the work needs. Raises `Failure` 503."""
        self.holding.grow(len(self.body), OF_A_BODY)
        self.holding.grow(len(self._record.items) + len(self._record.response))

    def begin(self, serve: ServeCaller) -> asyncio.Task[None]:
        """Start the work."""
        self._task = asyncio.create_task(self._run(serve))
        return self._task

    def stop(self, *, cancelled: bool) -> asyncio.Task[None] | None:
        """End early, for the client or because the router stops. Returns the task that ends it."""
        if self._task is not None and not self._ending:
            self._ending, self._cancelled = True, cancelled
            self._task.cancel()
        return self._task

    async def _run(self, serve: ServeCaller) -> None:
        """Make the response. Ends early when the record says that it is cancelled."""
        serving = asyncio.ensure_future(serve(self, self))
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
        """Store the events that have come. Returns whether to go on.

        A store that does not work is tried again until nobody believes in this response any more.
        Raises `Failure` then, and when the record is deleted.
        """
        if not self._waiting and time.time() - self._beaten < BEAT_EVERY:
            return True
        try:
            await self._keep_events()
            record = await self._archive.change(self.response_id, self._beat)
        except Failure as failure:
            if failure.status == 404 or time.time() - self._beaten > DEAD_AFTER:
                raise
            return True
        self._beaten = record.beat
        self._tell()
        return response_status(record) in RUNNING

    async def _keep_events(self) -> None:
        """Store the events since the last time. Raises `Failure` 503."""
        if not self._waiting:
            return
        come = len(self._waiting)
        batch, number = b"".join(self._waiting), self._batches
        if self._batch and len(self._batch) + len(batch) <= LARGE_BATCH:
            batch, number = self._batch + batch, number - 1
        await self._archive.keep_events(self.response_id, number, batch)
        del self._waiting[:come]
        self._batch, self._batches = batch, number + 1

    def _beat(self, record: StoredResponse) -> StoredResponse | None:
        if response_status(record) not in RUNNING:
            return None
        record.beat = time.time()
        record.events = self._batches
        record.response = with_status(record.response, "in_progress")
        return record

    async def _close(self) -> None:
        """Store the end, unless the record has one already."""
        final = self._final

        def end(record: StoredResponse) -> StoredResponse | None:
            if response_status(record) not in RUNNING:
                return msgspec.structs.replace(record, events=self._batches)
            if final is None:
                return ended(record, "failed", "server_error", "The response broke off.")
            final.events = self._batches
            return final

        try:
            # Events of a response that is deleted meanwhile would stay behind.
            await self._archive.check(self.response_id)
            await self._keep_events()
            await self._archive.change(self.response_id, end)
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
