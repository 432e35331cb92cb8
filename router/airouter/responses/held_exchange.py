"""The exchange of a response that something is kept of.

What a provider says goes through it. The last event, or the whole body, waits until the response
is kept, so that a client that goes on from it at once finds it on every replica.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from airouter.interfaces import Exchange
from airouter.prepared import Prepared
from airouter.responses.events import data_of_last, split_last
from airouter.responses.items import ResponseOutput, row_of
from airouter.responses.records import recorded
from airouter.state.base import StoreError
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from airouter.interfaces import Headers, Source
    from airouter.responses.compaction.threshold import Threshold
    from airouter.responses.records import History
    from airouter.responses.turn import ResponsesTurn

logger = logging.getLogger("airouter.responses")


class LastEvent(msgspec.Struct):
    """The event that has the whole response in it."""

    response: msgspec.Raw
    sequence_number: int = 0
    type: str = ""


class FinishedResponse(ResponseOutput):
    """As much of a response as is of use here."""

    id: str = ""
    status: str = ""


_last = msgspec.json.Decoder(LastEvent)
_response = msgspec.json.Decoder(FinishedResponse)


def held(turn: ResponsesTurn, threshold: Threshold | None = None) -> Prepared:
    """Return what the pipeline needs to know of a turn whose response is kept when it is whole."""
    exchange = HeldExchange(turn, threshold)
    pin, caller, asked = turn.history.pin, turn.caller, turn.asked
    return Prepared(
        exchange,
        pin=None if pin is None else pin.credential,
        preferred=caller.preferred,
        carrier=caller.carrier,
        settle=exchange.settle,
        has_state=asked.previous is not None or asked.conversation is not None,
    )


class HeldExchange(Exchange):
    """Passes a response on and holds back its end until `settle`."""

    __slots__ = ("_exchange", "_held", "_keeps", "_status", "_streaming", "_threshold", "_turn")

    def __init__(self, turn: ResponsesTurn, threshold: Threshold | None = None) -> None:
        self._turn = turn
        self._exchange = turn.exchange
        self._threshold = threshold
        self._keeps = (
            turn.stores
            or turn.conversation is not None
            or threshold is not None
            or turn.caller.in_session
        )
        """Whether anything becomes of the response beside the client's having it."""
        self.headers = turn.exchange.headers
        self.body = turn.exchange.body
        self.started = False
        self._held: bytes | None = None
        self._status: tuple[int, Headers] = (200, [])
        self._streaming = False

    # What the pipeline does.

    @property
    def beats(self) -> bool:  # type: ignore[override]  # those of the client
        return self._exchange.beats

    @property
    def source(self) -> Source | None:
        return self._exchange.source

    @source.setter
    def source(self, source: Source | None) -> None:
        self._exchange.source = source

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        self.started = True
        if status != 200:
            self._exchange.respond(status, headers, body)
            return
        self._status = status, headers
        self._held = body

    def start(self, status: int, headers: Headers) -> None:
        self.started = self._streaming = True
        self._exchange.start(status, headers)

    def write(self, data: bytes) -> None:
        if self._held is not None:
            self._held += data
        elif data.find(b'"response"') < 0 or not self._keeps:  # "in" takes four times as long
            self._exchange.write(data)
        else:
            before, self._held = split_last(data)
            if before:
                self._exchange.write(before)

    def end(self) -> None:
        """The client gets the end in `settle`."""

    def abort(self) -> None:
        self._exchange.abort()

    async def settle(self) -> None:
        """Keep the response, then let the client have the rest of it."""
        held = self._held
        if held is not None and self._keeps:
            held = await self._finish(held)
        if not self._streaming:
            if held is not None:
                self._exchange.respond(*self._status, held)
            return
        if held:
            self._exchange.write(held)
        self._exchange.end()

    # What is kept.

    async def _finish(self, held: bytes) -> bytes:
        """Compact where that is due, and keep the response."""
        whole, response = await self._read(held)
        if response is not None and self._threshold is not None and response.status == "completed":
            held = await self._threshold.apply(held, streaming=self._streaming)
            whole, response = await self._read(held)
        if response is None:
            return held  # of a provider that writes its own: nobody can go on from that
        await self._keep(response, whole)
        return held

    async def _read(self, held: bytes) -> tuple[bytes, FinishedResponse | None]:
        """Return the response, and what is read of it."""

        def read() -> tuple[bytes, FinishedResponse | None]:
            whole = self._response_in(held)
            return whole, decoded_or_none(_response, whole)

        return await self._turn.aside.by_size(len(held), read, is_owed=True)

    def _response_in(self, held: bytes) -> bytes:
        if not self._streaming:
            return held
        last = decoded_or_none(_last, data_of_last(held))
        return b"" if last is None else bytes(last.response)

    async def _keep(self, response: FinishedResponse, whole: bytes) -> None:
        turn = self._turn
        # A provider that keeps its responses was asked first; another may have answered.
        ours = not turn.native or bool(turn.request.answered_by)
        stored = turn.stores and ours and await self._store(response.id, whole)
        if response.status == "failed":
            return
        if turn.caller.in_session:
            size = len(turn.history.items) + len(turn.asked.body) + len(whole)
            follow = partial(self._followed, response, stored=stored)
            history = await turn.aside.by_size(size, follow, is_owed=True)
            turn.caller.remember(response.id, history)
        if turn.conversation is not None:
            await turn.conversation.append(turn.asked.items, whole)

    def _followed(self, response: FinishedResponse, *, stored: bool) -> History:
        turn = self._turn
        output = row_of(response.output)
        return turn.history.followed_by(response.id, turn.asked.items, output, stored=stored)

    async def _store(self, id_: str, whole: bytes) -> bool:
        """Store the response. Returns whether it is kept now."""
        turn = self._turn
        record = recorded(id_, whole, turn.asked.items, turn.history, turn.request.model)
        try:
            await turn.caller.keep(record, turn.tenant.archive)
        except StoreError as error:
            logger.warning("a response is not kept: %s", error)
            return False
        return True
