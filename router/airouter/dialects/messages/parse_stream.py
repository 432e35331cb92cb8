"""From Anthropic's events to ours.

Blocks come one after the other: begun, grown by deltas, ended; but some that imitate Anthropic go
on with several calls by turns. All of this runs once for every event, that is for every few letters
of an answer: steps are worth saving here.
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
from airouter.dialects.in_order import PartsInOrder
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
    content: str | None = None
    encrypted_content: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class WireEvent(msgspec.Struct):
    """An event of any type."""

    type: str
    index: int | None = None
    message: WireMessage | None = None
    content_block: Json | None = None
    delta: Delta | None = None
    usage: Counts | None = None
    error: Json | None = None


_decoder = msgspec.json.Decoder(WireEvent)
_json = msgspec.json.Decoder(Any)


class OpenBlock:
    """A block as it grows."""

    __slots__ = ("argued", "at", "checkpoint", "ended", "input", "part", "summary")

    def __init__(self, part: Part, at: int) -> None:
        self.part = part
        """As the block began."""
        self.at = at
        self.argued = False
        """The call has arguments: an empty object is not spelled out in a stream."""
        self.input: list[str] = []
        """Pieces of the input of a tool that runs at the provider."""
        self.summary: list[str] = []
        """Pieces of a compaction."""
        self.checkpoint: str | None = None
        """The part of a compaction that only Anthropic can read."""
        self.ended = False

    def compact(self, delta: Delta) -> None:
        """Take a piece of a compaction; null says nothing."""
        if delta.content is not None:
            self.summary.append(delta.content)
        if delta.encrypted_content is not None:
            self.checkpoint = delta.encrypted_content


class Parser:
    """The reader of one stream."""

    __slots__ = (
        "_begun",
        "_blocks",
        "_called",
        "_maker",
        "_model",
        "_newest",
        "_order",
        "_over",
        "_usage",
    )

    def __init__(self, destination: Destination) -> None:
        self._maker = destination.maker
        self._model = destination.model
        self._begun = False
        self._blocks: dict[int | None, OpenBlock] = {}
        """The last block at each index."""
        self._newest: OpenBlock | None = None
        self._order = PartsInOrder()
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
                yield from self._grow(self._block(event.index), event.delta)
            case "content_block_start":
                yield from self._begin_block(event.index, event.content_block or {})
            case "content_block_stop":
                yield from self._end_block(self._block(event.index))
            case "message_start" if not self._begun:
                self._begun = True
                yield self._begin(event.message or WireMessage())
            case "message_delta":
                yield from self._stop(event)
            case "message_stop" if not self._is_open():
                self._over = True
                yield Ended()
            case "message_stop":
                yield from self.finish()
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

    def _is_open(self) -> bool:
        """Return whether a block is not whole, and no reason to stop has ended it."""
        return any(not block.ended for block in self._blocks.values())

    def _block(self, index: int | None) -> OpenBlock:
        """Return the block that an event is about. Raises `BrokenReply` where it is not open."""
        block = self._blocks.get(index, self._newest)
        if block is None or block.ended:
            raise BrokenReply("the upstream's stream goes on with a block that is not open")
        return block

    def _begin_block(self, index: int | None, given: Json) -> Iterator[Event]:
        before, last = self._blocks.get(index), self._newest
        if before is not None and not before.ended:
            yield from self._end_block(before)
        # Imitators of Anthropic may not say that a block is over; but a call may yet go on.
        if last is not None and not (last.ended or isinstance(last.part, ToolCall)):
            yield from self._end_block(last)
        part = block_part(given, self._maker)
        block = OpenBlock(part, 0 if last is None else last.at + 1)
        self._blocks[index] = self._newest = block
        if isinstance(part, Opaque):
            return  # it is told when it is whole
        if isinstance(part, ToolCall) and part.name != ANSWER_TOOL:
            self._called = True
        yield from self._order.feed(PartBegun(at=block.at, part=beginning(part)))
        if isinstance(part, Text) and part.text:
            yield from self._order.feed(TextDelta(at=block.at, text=part.text))

    def _grow(self, block: OpenBlock, delta: Delta) -> Iterator[Event]:
        tell = self._order.feed
        match delta.type:
            case "text_delta":
                yield from tell(TextDelta(at=block.at, text=delta.text or ""))
            case "input_json_delta":
                yield from self._argue(block, delta.partial_json or "")
            case "thinking_delta":
                yield from tell(ReasoningDelta(at=block.at, text=delta.thinking or ""))
            case "signature_delta" if delta.signature:
                signature = Signature(maker=self._maker, value=delta.signature)
                yield from tell(Signed(at=block.at, signature=signature))
            case "citations_delta" if delta.citation is not None:
                yield from tell(Cited(at=block.at, citation=parse_citation(delta.citation)))
            case "compaction_delta":
                block.compact(delta)

    def _argue(self, block: OpenBlock, text: str) -> Iterator[Event]:
        part = block.part
        if isinstance(part, Opaque):
            block.input.append(text)
        elif text and isinstance(part, ToolCall):
            block.argued = True
            answers = part.name == ANSWER_TOOL
            delta = (TextDelta if answers else ArgumentsDelta)(at=block.at, text=text)
            yield from self._order.feed(delta)

    def _end_block(self, block: OpenBlock) -> Iterator[Event]:
        part = block.part
        block.ended = True
        if isinstance(part, Opaque):
            whole = with_summary(with_input(part, "".join(block.input)), block)
            yield from self._order.feed(PartBegun(at=block.at, part=whole))
        elif isinstance(part, ToolCall) and not block.argued:
            yield from self._argue(block, part.arguments)
        yield from self._order.feed(PartEnded(at=block.at))

    def _stop(self, event: WireEvent) -> Iterator[Event]:
        if event.usage is not None:
            self._usage = later(self._usage, parse_usage(event.usage))
            yield Counted(usage=self._usage)
        delta = event.delta
        if delta is not None and delta.stop_reason is not None:
            for block in self._blocks.values():
                if not block.ended:
                    yield from self._end_block(block)
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


def with_summary(part: Opaque, block: OpenBlock) -> Opaque:
    """Return a compaction with what came of it after its beginning; any other block as it is."""
    grown: Json = {}
    if block.summary:
        grown["content"] = (part.native.get("content") or "") + "".join(block.summary)
    if block.checkpoint is not None:
        grown["encrypted_content"] = block.checkpoint
    return Opaque(dialect=part.dialect, native=part.native | grown) if grown else part
