"""From Anthropic's events to ours.

Blocks come one after the other: begun, grown by deltas, ended. All of this runs once for every
event, that is for every few letters of an answer: steps are worth saving here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.conversation import Json, Opaque, Reasoning, Signature, Text, ToolCall
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
    Pinged,
    ReasoningDelta,
    Signed,
    Stopped,
    TextDelta,
)
from airouter.dialects.messages.blocks import block_part, stop_of
from airouter.dialects.messages.citations import parse_citation
from airouter.dialects.messages.counts import Counts, later, parse_usage
from airouter.dialects.messages.errors import failure_in
from airouter.dialects.messages.parse_response import WireMessage
from airouter.dialects.messages.render_tools import ANSWER_TOOL
from airouter.dialects.stopping import stop_by_calls
from airouter.failures import ended_early
from airouter.interfaces import BrokenReply
from airouter.untrusted import UNREADABLE, decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.dialects.conversation import Destination, Part, Usage
    from airouter.dialects.framing import Frame


class Delta(msgspec.Struct):
    """An addition to the block that is open, or to the message."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    citation: Json | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class WireEvent(msgspec.Struct):
    """An event of any type."""

    type: str
    message: WireMessage | None = None
    content_block: Json | None = None
    delta: Delta | None = None
    usage: Counts | None = None
    error: Json | None = None


_decoder = msgspec.json.Decoder(WireEvent)
_json = msgspec.json.Decoder(Any)


class Parser:
    """The reader of one stream."""

    __slots__ = (
        "_argued",
        "_at",
        "_called",
        "_input",
        "_maker",
        "_model",
        "_over",
        "_part",
        "_usage",
    )

    def __init__(self, destination: Destination) -> None:
        self._maker = destination.maker
        self._model = destination.model
        self._at = -1
        self._argued = False
        """The open call has arguments: an empty object is not spelled out in a stream."""
        self._part: Part | None = None
        """The part that is open, as its block began."""
        self._input: list[str] = []
        """Pieces of the input of a tool that runs at the provider."""
        self._called = False
        self._usage: Usage | None = None
        self._over = False

    def feed(self, frame: Frame) -> Iterator[Event]:  # noqa: C901  # a line for each
        """Yield the events of one frame. Raises `BrokenReply`."""
        if self._over:
            return
        try:
            event = _decoder.decode(frame.data)
        except UNREADABLE:  # not by `decoded()`: a call less for each event
            raise BrokenReply("an event of the upstream cannot be read") from None
        match event.type:
            case "content_block_delta" if event.delta is not None:
                yield from self._grow(event.delta)
            case "content_block_start":
                yield from self._begin_block(event.content_block or {})
            case "content_block_stop":
                yield from self._end_block()
            case "message_start":
                yield self._begin(event.message or WireMessage())
            case "message_delta":
                yield from self._stop(event)
            case "message_stop":
                self._over = True
                yield Ended()
            case "ping":
                yield Pinged()
            case "error":
                self._over = True
                yield Broken(failure=failure_in(event.error or {}))

    def finish(self) -> Iterator[Event]:
        """Yield a failure unless `message_stop` came: nothing else ends a stream."""
        if not self._over:
            self._over = True
            yield Broken(failure=ended_early())

    def _begin(self, message: WireMessage) -> Begun:
        counts = message.usage
        self._usage = None if counts is None else parse_usage(counts)
        return Begun(
            id=message.id or "",
            model=message.model or self._model,
            service_tier=counts.service_tier if counts else None,
            usage=self._usage,
        )

    def _begin_block(self, block: Json) -> Iterator[Event]:
        yield from self._close()
        self._at += 1
        part = self._part = block_part(block, self._maker)
        self._argued = False
        self._input = []
        if isinstance(part, Opaque):
            return  # it is told when it is whole
        if isinstance(part, ToolCall) and part.name != ANSWER_TOOL:
            self._called = True
        yield PartBegun(at=self._at, part=beginning(part))
        if isinstance(part, Text) and part.text:
            yield TextDelta(at=self._at, text=part.text)

    def _grow(self, delta: Delta) -> Iterator[Event]:
        if self._part is None:
            raise BrokenReply("the upstream's stream goes on with a block that is not open")
        match delta.type:
            case "text_delta":
                yield TextDelta(at=self._at, text=delta.text or "")
            case "input_json_delta":
                yield from self._argue(delta.partial_json or "")
            case "thinking_delta":
                yield ReasoningDelta(at=self._at, text=delta.thinking or "")
            case "signature_delta" if delta.signature:
                signature = Signature(maker=self._maker, value=delta.signature)
                yield Signed(at=self._at, signature=signature)
            case "citations_delta" if delta.citation is not None:
                yield Cited(at=self._at, citation=parse_citation(delta.citation))

    def _argue(self, text: str) -> Iterator[Event]:
        part = self._part
        if isinstance(part, Opaque):
            self._input.append(text)
        elif text and isinstance(part, ToolCall):
            self._argued = True
            answers = part.name == ANSWER_TOOL
            yield (TextDelta if answers else ArgumentsDelta)(at=self._at, text=text)

    def _close(self) -> Iterator[Event]:
        """End the block that is open: imitators of Anthropic may not say that it is over."""
        if self._part is not None:
            yield from self._end_block()

    def _end_block(self) -> Iterator[Event]:
        part = self._part
        if part is None:
            raise BrokenReply("the upstream's stream ends a block that is not open")
        if isinstance(part, Opaque):
            yield PartBegun(at=self._at, part=with_input(part, "".join(self._input)))
        elif isinstance(part, ToolCall) and not self._argued:
            yield from self._argue(part.arguments)
        self._part = None
        yield PartEnded(at=self._at)

    def _stop(self, event: WireEvent) -> Iterator[Event]:
        if event.usage is not None:
            self._usage = later(self._usage, parse_usage(event.usage))
            yield Counted(usage=self._usage)
        delta = event.delta
        if delta is not None and delta.stop_reason is not None:
            yield from self._close()
            stop = stop_by_calls(stop_of(delta.stop_reason), called=self._called)
            yield Stopped(stop=stop, stop_sequence=delta.stop_sequence)


def beginning(part: Part) -> Part:
    """Return a part as it begins, without content; a call of `ANSWER_TOOL` is a text."""
    if isinstance(part, ToolCall) and part.name != ANSWER_TOOL:
        return ToolCall(id=part.id, name=part.name, arguments="")
    if isinstance(part, Text | ToolCall):
        return Text(text="")
    if isinstance(part, Reasoning) and not (part.signature and part.signature.redacted):
        return Reasoning()
    return part


def with_input(part: Opaque, text: str) -> Opaque:
    """Return a call of a provider's own tool with the input that came after its beginning."""
    given = decoded_or_none(_json, text) if text else None
    if given is None:
        return part  # there was none, or it was cut off in the middle
    return Opaque(dialect=part.dialect, native={**part.native, "input": given})
