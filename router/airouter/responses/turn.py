"""The exchange between the pipeline and a client, for one response.

What a provider says goes through it. The last event, or the whole body, waits until the response
is kept, so that a client that goes on from it at once finds it on every replica.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from typing import TYPE_CHECKING

import msgspec

from airouter.interfaces import Exchange
from airouter.responses.events import data_of_last, split_last
from airouter.responses.items import Output, row_of
from airouter.responses.records import Context, recorded
from airouter.state.base import StoreError

if TYPE_CHECKING:
    from airouter.dialects.client_request import ClientRequest
    from airouter.interfaces import Headers, Source
    from airouter.responses.compaction.threshold import Threshold
    from airouter.responses.conversations import Appending
    from airouter.responses.pinning import Renamer
    from airouter.responses.records import Archive, StoredResponse
    from airouter.responses.sealed import Seals

logger = logging.getLogger("airouter.responses")


class LastEvent(msgspec.Struct):
    """The event that has the whole response in it."""

    response: msgspec.Raw
    sequence_number: int = 0
    type: str = ""


class Body(Output):
    """As much of a response as is of use here."""

    id: str = ""
    status: str = ""


_last = msgspec.json.Decoder(LastEvent)
_body = msgspec.json.Decoder(Body)


class SessionExchange(Exchange):
    """An exchange whose client keeps what it goes on from: a session."""

    __slots__ = ()

    @abstractmethod
    def recall(self, id_: str) -> Context | None:
        """What a response of this session left."""

    @abstractmethod
    def remember(self, id_: str, context: Context) -> None:
        """What the next response of this session may go on from."""


class RecordingExchange(Exchange):
    """An exchange that keeps its record itself."""

    __slots__ = ()

    @abstractmethod
    async def keep(self, record: StoredResponse) -> None:
        """The response is whole."""


class ResponseTurn(Exchange):
    """One response on its way."""

    __slots__ = (
        "_held",
        "_memory",
        "_status",
        "_streaming",
        "archive",
        "context",
        "conversation",
        "exchange",
        "given",
        "items",
        "pinned",
        "renamer",
        "request",
        "seals",
        "stores",
        "threshold",
    )

    def __init__(
        self,
        exchange: Exchange,
        request: ClientRequest,
        *,
        seals: Seals,
        renamer: Renamer,
        archive: Archive,
    ) -> None:
        self.exchange = exchange
        self.request = request
        self.headers = exchange.headers
        self.body = exchange.body
        self.started = False
        self.pinned: str | None = None
        self.renamer = renamer
        self.given = request.fields
        """The fields as the client sent them."""
        self.seals = seals
        self.archive = archive
        self.context = Context()
        self.items = b""
        """The input of this turn alone."""
        self.stores = False
        """Whether the response is to be kept here."""
        self.conversation: Appending | None = None
        self.threshold: Threshold | None = None
        self._memory = exchange if isinstance(exchange, SessionExchange) else None
        self._held: bytes | None = None
        self._status: tuple[int, Headers] = (200, [])
        self._streaming = False

    # What the pipeline does.

    @property
    def source(self) -> Source | None:
        return self.exchange.source

    @source.setter
    def source(self, source: Source | None) -> None:
        self.exchange.source = source

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        self.started = True
        if status != 200:
            self.exchange.respond(status, headers, body)
            return
        self._status = status, headers
        self._held = body

    def start(self, status: int, headers: Headers) -> None:
        self.started = self._streaming = True
        self.exchange.start(status, headers)

    def write(self, data: bytes) -> None:
        if self._held is not None:
            self._held += data
        elif data.find(b'"response"') < 0 or not self._keeps:  # "in" takes four times as long
            self.exchange.write(data)
        else:
            before, self._held = split_last(data)
            if before:
                self.exchange.write(before)

    def end(self) -> None:
        """The client gets it in `settle`."""

    def abort(self) -> None:
        self.exchange.abort()

    async def settle(self) -> None:
        """Keep the response, then let the client have the rest of it."""
        held = self._held
        if held is not None and self._keeps:
            held = await self._finish(held)
        if not self._streaming:
            if held is not None:
                self.exchange.respond(*self._status, held)
            return
        if held:
            self.exchange.write(held)
        self.exchange.end()

    # What is kept.

    @property
    def _keeps(self) -> bool:
        return (
            self.stores
            or self.conversation is not None
            or self.threshold is not None
            or self._memory is not None
        )

    async def _finish(self, held: bytes) -> bytes:
        """Compact where that is due, and remember."""
        try:
            response = self._response_in(held)
            body = _body.decode(response)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return held  # of a provider that writes its own: nobody can go on from that
        if self.threshold is not None and body.status == "completed":
            held = await self.threshold.apply(held, streaming=self._streaming)
            response = self._response_in(held)
            body = _body.decode(response)
        await self._keep(body, response)
        return held

    def _response_in(self, held: bytes) -> bytes:
        if not self._streaming:
            return held
        return bytes(_last.decode(data_of_last(held)).response)

    async def _keep(self, body: Body, response: bytes) -> None:
        stored = self.stores and await self._store(body.id, response)
        if body.status == "failed":
            return
        if self._memory is not None:
            output = row_of(body.output)
            after = self.context.followed_by(body.id, self.items, output, stored=stored)
            self._memory.remember(body.id, after)
        if self.conversation is not None:
            await self.conversation.append(self.items, response)

    async def _store(self, id_: str, response: bytes) -> bool:
        """Whether the response is kept now."""
        keeper = self.exchange if isinstance(self.exchange, RecordingExchange) else self.archive
        try:
            await keeper.keep(recorded(id_, response, self.items, self.context, self.request.model))
        except StoreError as error:
            logger.warning("a response is not kept: %s", error)
            return False
        return True
