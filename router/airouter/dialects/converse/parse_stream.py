"""From the frames of ConverseStream to events.

Blocks of text and reasoning are not announced, an empty one may come before any other, and usage
comes after the message has stopped.
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
from airouter.failures import Failure, ended_early
from airouter.interfaces import BrokenReply
from airouter.untrusted import decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.dialects.conversation import Destination
    from airouter.dialects.framing import Frame

UNREADABLE_EVENT = "an event of the upstream cannot be read"

_decoder = msgspec.json.Decoder(schema.StreamEvent)


class Parser:
    """The reader of one stream."""

    __slots__ = (
        "_argued",
        "_at",
        "_called",
        "_destination",
        "_format",
        "_open",
        "_over",
        "_stopped",
    )

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._at = -1
        self._argued = False
        """The call that is open has arguments already."""
        self._called = False
        self._format = ""
        """The format of the image that is announced."""
        self._open: type[Part] | None = None
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
                yield from self._grow(event.delta)
            case b"contentBlockStart" if event.start is not None:
                yield from self._begin_block(event.start)
            case b"contentBlockStop":
                yield from self._close()
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

    def _grow(self, delta: schema.Block) -> Iterator[Event]:
        if delta.text:
            yield from self._open_for(Text(text=""))
            yield TextDelta(at=self._at, text=delta.text)
        elif delta.tool_use is not None:
            yield from self._argue(delta.tool_use.input)
        elif delta.reasoning_content is not None:
            yield from self._think(delta.reasoning_content)
        elif delta.citation is not None:
            yield from self._open_for(Text(text=""))
            yield Cited(at=self._at, citation=citation_of(delta.citation))
        elif delta.image is not None and delta.image.source is not None:
            media = Media(media_type=f"image/{self._format}", data=delta.image.source.bytes)
            yield from self._begin(Image(media=media))

    def _argue(self, piece: object) -> Iterator[Event]:
        if self._open is not ToolCall or not isinstance(piece, str):
            raise BrokenReply("the upstream's stream has arguments without a tool call")
        if piece:
            self._argued = True
            yield ArgumentsDelta(at=self._at, text=piece)

    def _think(self, delta: schema.ReasoningContent) -> Iterator[Event]:
        maker = self._destination.maker
        if delta.redacted_content is not None:
            value = delta.redacted_content
            signature = Signature(maker=maker, value=value, redacted=True)
            yield from self._begin(Reasoning(signature=signature))
            return
        yield from self._open_for(Reasoning())
        if delta.text:
            yield ReasoningDelta(at=self._at, text=delta.text)
        if delta.signature:
            yield Signed(at=self._at, signature=Signature(maker=maker, value=delta.signature))

    def _begin_block(self, start: schema.Block) -> Iterator[Event]:
        if start.tool_use is not None:
            use = start.tool_use
            self._argued = False
            self._called = True
            yield from self._begin(ToolCall(id=use.tool_use_id, name=use.name, arguments=""))
        elif start.image is not None:
            self._format = start.image.format

    def _open_for(self, part: Part) -> Iterator[Event]:
        if self._open is not type(part):
            yield from self._begin(part)

    def _begin(self, part: Part) -> Iterator[Event]:
        yield from self._close()
        self._at += 1
        self._open = type(part)
        yield PartBegun(at=self._at, part=part)

    def _close(self) -> Iterator[Event]:
        if self._open is None:
            return
        if self._open is ToolCall and not self._argued:
            yield ArgumentsDelta(at=self._at, text="{}")  # as a whole answer would say it
        self._open = None
        yield PartEnded(at=self._at)

    def _stop(self, event: schema.StreamEvent) -> Iterator[Event]:
        yield from self._close()
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
