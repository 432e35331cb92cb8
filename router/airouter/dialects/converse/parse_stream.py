"""From the frames of ConverseStream to events.

Blocks of text and reasoning are not announced, an empty one may come before any other, those of
calls may come by turns, and usage comes after the message has stopped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import (
    Image,
    Media,
    Part,
    Reasoning,
    Signature,
    Text,
    ToolCall,
)
from airouter.dialects.converse import schema
from airouter.dialects.converse.blocks import citation_of, parse_usage, stop_of
from airouter.dialects.converse.errors import error_members, failure_in
from airouter.dialects.converse.framing import EXCEPTION
from airouter.dialects.converse.parse_response import answer_id
from airouter.dialects.events import (
    ArgumentsDelta,
    Begun,
    Broken,
    Cited,
    Counted,
    Ended,
    Event,
    PartBegun,
    PartEnded,
    ReasoningDelta,
    Signed,
    Stopped,
    TextDelta,
)
from airouter.dialects.in_order import PartsInOrder
from airouter.failures import Failure, ended_early
from airouter.interfaces import BrokenReply
from airouter.untrusted import decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.dialects.conversation import Destination
    from airouter.dialects.framing import Frame

UNREADABLE_EVENT = "an event of the upstream cannot be read"

_decoder = msgspec.json.Decoder(schema.StreamEvent)


class OpenCall:
    """A call as it grows."""

    __slots__ = ("argued", "at")

    def __init__(self, at: int) -> None:
        self.at = at
        self.argued = False
        """It has arguments already."""


class Parser:
    """The reader of one stream."""

    __slots__ = (
        "_at",
        "_called",
        "_calls",
        "_destination",
        "_format",
        "_open",
        "_order",
        "_over",
        "_stopped",
    )

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._at = -1
        self._calls: dict[int, OpenCall] = {}
        """The calls that are open, by their block."""
        self._called = False
        self._format = ""
        """The format of the image that is announced."""
        self._open: type[Part] | None = None
        """The type of the part that began last, unless that is over; calls are apart."""
        self._order = PartsInOrder()
        self._stopped = False
        self._over = False

    def feed(self, frame: Frame) -> Iterator[Event]:
        """Yield the events of one frame. Raises `BrokenReply`."""
        if self._over:
            return
        if frame.name.startswith(EXCEPTION):
            self._over = True
            name = frame.name.removeprefix(EXCEPTION).decode("latin-1")
            yield Broken(failure=failure_in(name, error_members(frame.data)))
            return
        event = decoded(_decoder, frame.data or b"{}", BrokenReply, UNREADABLE_EVENT)
        match frame.name:
            case b"contentBlockDelta" if event.delta is not None:
                yield from self._grow(event.content_block_index, event.delta)
            case b"contentBlockStart" if event.start is not None:
                yield from self._begin_block(event.content_block_index, event.start)
            case b"contentBlockStop":
                yield from self._end_block(event.content_block_index)
            case b"messageStart":
                yield Begun(id=answer_id(), model=self._destination.model)
            case b"messageStop":
                yield from self._stop(event)
            case b"metadata":
                yield from self._end(event)

    def finish(self) -> Iterator[Event]:
        """Yield the end if the message has stopped, be it without usage, or a failure."""
        if not self._over:
            self._over = True
            yield Ended() if self._stopped else Broken(failure=ended_early())

    def _grow(self, index: int, delta: schema.Block) -> Iterator[Event]:
        if delta.text:
            yield from self._open_for(Text(text=""))
            yield from self._order.feed(TextDelta(at=self._at, text=delta.text))
        elif delta.tool_use is not None:
            yield from self._argue(index, delta.tool_use.input)
        elif delta.reasoning_content is not None:
            yield from self._think(delta.reasoning_content)
        elif delta.citation is not None:
            yield from self._open_for(Text(text=""))
            cited = Cited(at=self._at, citation=citation_of(delta.citation))
            yield from self._order.feed(cited)
        elif delta.image is not None and delta.image.source is not None:
            media = Media(media_type=f"image/{self._format}", data=delta.image.source.bytes)
            yield from self._begin(Image(media=media))

    def _argue(self, index: int, piece: object) -> Iterator[Event]:
        call = self._calls.get(index)
        if call is None or not isinstance(piece, str):
            raise BrokenReply("the upstream's stream has arguments without a tool call")
        if piece:
            call.argued = True
            yield from self._order.feed(ArgumentsDelta(at=call.at, text=piece))

    def _think(self, delta: schema.ReasoningContent) -> Iterator[Event]:
        maker = self._destination.maker
        if delta.redacted_content is not None:
            value = delta.redacted_content
            signature = Signature(maker=maker, value=value, redacted=True)
            yield from self._begin(Reasoning(signature=signature))
            return
        yield from self._open_for(Reasoning())
        if delta.text:
            yield from self._order.feed(ReasoningDelta(at=self._at, text=delta.text))
        if delta.signature:
            signed = Signed(at=self._at, signature=Signature(maker=maker, value=delta.signature))
            yield from self._order.feed(signed)

    def _begin_block(self, index: int, start: schema.Block) -> Iterator[Event]:
        if start.tool_use is not None:
            use = start.tool_use
            self._called = True
            yield from self._end_call(index)
            yield from self._begin(ToolCall(id=use.tool_use_id, name=use.name, arguments=""))
            self._open = None
            self._calls[index] = OpenCall(self._at)
        elif start.image is not None:
            self._format = start.image.format

    def _open_for(self, part: Part) -> Iterator[Event]:
        if self._open is not type(part):
            yield from self._begin(part)

    def _begin(self, part: Part) -> Iterator[Event]:
        yield from self._close()
        self._at += 1
        self._open = type(part)
        yield from self._order.feed(PartBegun(at=self._at, part=part))

    def _end_block(self, index: int) -> Iterator[Event]:
        if index in self._calls:
            yield from self._end_call(index)
        else:
            yield from self._close()

    def _close(self) -> Iterator[Event]:
        """End the part that began last, unless it is a call, which may go on."""
        if self._open is not None:
            self._open = None
            yield from self._order.feed(PartEnded(at=self._at))

    def _end_call(self, index: int) -> Iterator[Event]:
        call = self._calls.pop(index, None)
        if call is None:
            return
        if not call.argued:  # as a whole answer would say it
            yield from self._order.feed(ArgumentsDelta(at=call.at, text="{}"))
        yield from self._order.feed(PartEnded(at=call.at))

    def _stop(self, event: schema.StreamEvent) -> Iterator[Event]:
        yield from self._close()
        for index in list(self._calls):
            yield from self._end_call(index)
        try:
            stop = stop_of(event.stop_reason, called=self._called)
        except Failure as failure:
            self._over = True
            yield Broken(failure=failure)
            return
        self._stopped = True
        yield Stopped(stop=stop)

    def _end(self, event: schema.StreamEvent) -> Iterator[Event]:
        if event.usage is not None:
            yield Counted(usage=parse_usage(event.usage))
        if self._stopped:
            self._over = True
            yield Ended()
