"""From our events to Anthropic's: one message, its blocks one by one, and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Opaque, Reasoning, Refusal, Text, ToolCall
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
    RefusalDelta,
    Signed,
    Stopped,
    TextDelta,
)
from airouter.dialects.messages.citations import render_citation
from airouter.dialects.messages.counts import render_usage
from airouter.dialects.messages.errors import error_event
from airouter.dialects.messages.render_response import (
    STOP_REASONS,
    blocks_of,
    is_claude,
    message_id,
    signing_block,
)
from airouter.dialects.messages.render_turns import call_id
from airouter.dialects.provenance import pack_parts

if TYPE_CHECKING:
    from airouter.dialects.conversation import Conversation, Json, Part, Signature, Usage

PING = b'event: ping\ndata: {"type":"ping"}\n\n'
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

_encode = msgspec.json.Encoder().encode


class Renderer:
    """The writer of one stream."""

    __slots__ = (
        "_index",
        "_open",
        "_part",
        "_signature",
        "_stopped",
        "_summary",
        "_thought",
        "_usage",
    )

    def __init__(self, conversation: Conversation) -> None:  # noqa: ARG002  # as all
        self._index = -1
        self._open = False
        """A block is begun and not ended."""
        self._part: Part | None = None
        self._thought: list[str] = []
        self._summary: int | None = None
        """The part of a summary that was told last."""
        self._signature: Signature | None = None
        self._stopped: Stopped | None = None
        self._usage: Usage | None = None

    def feed(self, event: Event) -> bytes:  # noqa: C901, PLR0911, PLR0912  # a line for each
        """Return the bytes that a client gets for one event."""
        match event:
            case TextDelta() | RefusalDelta():
                return self._say({"type": "text_delta", "text": event.text}) if event.text else b""
            case ArgumentsDelta():
                return self._delta({"type": "input_json_delta", "partial_json": event.text})
            case ReasoningDelta():
                return self._think(event)
            case PartBegun():
                return self._part_begun(event.part)
            case PartEnded():
                return self._part_ended()
            case Cited():
                citation = render_citation(event.citation)
                return self._say({"type": "citations_delta", "citation": citation})
            case Signed():
                self._signature = event.signature
            case Begun():
                return self._begin(event)
            case Stopped():
                self._stopped = event
            case Counted():
                self._usage = event.usage
            case Pinged():
                return PING
            case Ended():
                return self._end()
            case Broken():
                return error_event(event.failure)
        return b""

    def _begin(self, event: Begun) -> bytes:
        self._usage = event.usage
        message: Json = {
            "id": message_id(event.id),
            "type": "message",
            "role": "assistant",
            "model": event.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": render_usage(event.usage),
        }
        return wire_event("message_start", {"message": message})

    def _part_begun(self, part: Part) -> bytes:
        self._part = part
        self._thought = []
        self._summary = None
        self._signature = None
        match part:
            case Text() | Refusal():
                return b""
            case ToolCall():
                before = self._whole(signing_block(part)) if part.signature is not None else b""
                call = {"type": "tool_use", "id": call_id(part.id), "name": part.name, "input": {}}
                return before + self._start(call)
            case Reasoning(signature=signature) if signature is not None and signature.redacted:
                return b"".join(map(self._whole, blocks_of(part)))
            case Reasoning():
                self._signature = part.signature
                return self._start({"type": "thinking", "thinking": "", "signature": ""})
            case Opaque():
                return b"".join(map(self._whole, blocks_of(part)))
        return b"".join(map(self._whole, blocks_of(part)))

    def _say(self, delta: Json) -> bytes:
        """Add to a text, which begins with its first words: an empty block is taken by nobody."""
        begun = b"" if self._open else self._start({"type": "text", "text": ""})
        return begun + self._delta(delta)

    def _think(self, event: ReasoningDelta) -> bytes:
        """Add to a thought; the parts of a summary are paragraphs of it."""
        text = event.text
        if event.summary != self._summary and self._thought:
            text = f"\n\n{text}"
        self._summary = event.summary
        self._thought.append(text)
        return self._delta({"type": "thinking_delta", "thinking": text})

    def _part_ended(self) -> bytes:
        if not self._open:
            return b""
        signature = b""
        if isinstance(self._part, Reasoning) and self._signature is not None:
            value = self._signed(self._part, self._signature)
            signature = self._delta({"type": "signature_delta", "signature": value})
        return signature + self._stop()

    def _signed(self, part: Reasoning, signature: Signature) -> str:
        if is_claude(signature):
            return signature.value
        text = part.text + "".join(self._thought)
        return pack_parts([msgspec.structs.replace(part, text=text, signature=signature)])

    def _whole(self, block: Json) -> bytes:
        """Return a block that is told at once; one of thinking has its signature as a delta."""
        if block["type"] == "thinking":
            start = self._start({**block, "signature": ""})
            delta = {"type": "signature_delta", "signature": block["signature"]}
            return start + self._delta(delta) + self._stop()
        if "input" in block:
            start = self._start({**block, "input": {}})
            delta = {
                "type": "input_json_delta",
                "partial_json": _encode(block["input"]).decode(),
            }
            return start + self._delta(delta) + self._stop()
        if block["type"] == "compaction":
            grown = {name: block.get(name) for name in ("content", "encrypted_content")}
            start = self._start(block | dict.fromkeys(grown))
            return start + self._delta({"type": "compaction_delta", **grown}) + self._stop()
        if block["type"] == "text":
            start = self._start({"type": "text", "text": ""})
            return start + self._delta({"type": "text_delta", "text": block["text"]}) + self._stop()
        return self._start(block) + self._stop()

    def _start(self, block: Json) -> bytes:
        self._index += 1
        self._open = True
        return wire_event("content_block_start", {"index": self._index, "content_block": block})

    def _delta(self, delta: Json) -> bytes:
        head = (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":'
        )
        return head % self._index + _encode(delta) + b"}\n\n"

    def _stop(self) -> bytes:
        self._open = False
        return wire_event("content_block_stop", {"index": self._index})

    def _end(self) -> bytes:
        stopped = self._stopped
        delta = {
            "stop_reason": "end_turn" if stopped is None else STOP_REASONS[stopped.stop],
            "stop_sequence": None if stopped is None else stopped.stop_sequence,
        }
        return (
            wire_event("message_delta", {"delta": delta, "usage": render_usage(self._usage)}) + STOP
        )


def wire_event(name: str, fields: Json) -> bytes:
    """Return one event."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), _encode({"type": name, **fields}))
