"""From events to the chunks that a client reads.

Every chunk of a stream begins and ends with the same bytes, so these are made once, and an event
only adds its delta.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.errors import error_event
from airouter.dialects.chat.render_response import (
    FINISH_REASONS,
    FUNCTION_CALL,
    annotation_of,
    audio_of,
    completion_id,
    image_of,
    legacy_reason,
    packed_id,
    tier_of,
)
from airouter.dialects.conversation import Audio, Image, Reasoning, Text, ToolCall
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
from airouter.dialects.openai_usage import render_chat_usage

if TYPE_CHECKING:
    from airouter.dialects.conversation import Conversation, Json, Signature, Usage

DONE = b"data: [DONE]\n\n"
PING = b": ping\n\n"

_encode = msgspec.json.Encoder().encode


class ChoiceState:
    """The state of one choice."""

    __slots__ = ("calls", "length", "part", "reasoning", "signature", "text")

    def __init__(self) -> None:
        self.calls = 0
        self.length = 0
        """Characters of text before the open part."""
        self.part: Text | Reasoning | ToolCall | None = None
        self.text: list[str] = []
        """Pieces of the open part."""
        self.signature: Signature | None = None
        self.reasoning: list[Reasoning] = []
        """Signed reasoning that has not been sent with a call yet."""


class Renderer:
    """The state of one stream."""

    __slots__ = ("_choices", "_head", "_legacy", "_tail", "_usage", "_wants_usage")

    def __init__(self, conversation: Conversation) -> None:
        self._wants_usage = conversation.include_usage
        self._legacy = conversation.legacy_functions
        self._choices: dict[int, ChoiceState] = {}
        self._usage: Usage | None = None
        self._head = b""
        self._tail = b',"usage":null}\n\n' if conversation.include_usage else b"}\n\n"

    def feed(self, event: Event) -> bytes:  # noqa: C901, PLR0911, PLR0912  # a line for each
        """Return the chunks of one event."""
        match event:  # the most frequent come first
            case TextDelta():
                return self._said(event)
            case ArgumentsDelta():
                return self._argued(event)
            case ReasoningDelta():
                return self._thought(event)
            case PartBegun():
                return self._part_begun(event)
            case PartEnded():
                return self._part_ended(event)
            case Begun():
                return self._begin(event)
            case RefusalDelta():
                return self._chunk(event.choice, b'{"refusal":' + _encode(event.text) + b"}")
            case Signed():
                self._choices[event.choice].signature = event.signature
            case Cited():
                return self._cited(event)
            case Stopped():
                return self._stopped(event)
            case Counted():
                self._usage = event.usage
            case Pinged():
                return PING
            case Ended():
                return self._end()
            case Broken():
                return error_event(event.failure)
        return b""

    def _stopped(self, event: Stopped) -> bytes:
        reason = FINISH_REASONS[event.stop]
        told = _encode(legacy_reason(reason) if self._legacy else reason)
        return self._state(event.choice) + self._chunk(event.choice, b"{}", reason=told)

    def _begin(self, event: Begun) -> bytes:
        head = {
            "id": completion_id(event.id),
            "object": "chat.completion.chunk",
            "created": event.created or int(time.time()),
            "model": event.model,
            "system_fingerprint": None,
        }
        tier = tier_of(event.service_tier)
        if tier is not None:
            head["service_tier"] = tier
        # Without its closing brace, for `_chunk` to go on from.
        self._head = b"data: " + _encode(head).removesuffix(b"}") + b',"choices":['
        self._usage = event.usage
        return self._state(0)  # at once, so that the client sees that the model is at work

    def _state(self, choice: int) -> bytes:
        """Return the first chunk of a choice, once; empty from then on."""
        if choice in self._choices:
            return b""
        self._choices[choice] = ChoiceState()
        return self._chunk(choice, b'{"role":"assistant","content":""}')

    def _chunk(
        self, choice: int, delta: bytes, *, logprobs: bytes = b"null", reason: bytes = b"null"
    ) -> bytes:
        return b'%b{"index":%d,"delta":%b,"logprobs":%b,"finish_reason":%b}]%b' % (
            self._head,
            choice,
            delta,
            logprobs,
            reason,
            self._tail,
        )

    def _part_begun(self, event: PartBegun) -> bytes:
        first = self._state(event.choice)
        state = self._choices[event.choice]
        state.text = []
        state.signature = None
        part = event.part
        state.part = part if isinstance(part, Text | Reasoning | ToolCall) else None
        if isinstance(part, ToolCall):
            return first + self._called(event.choice, state, part)
        if isinstance(part, Image):
            return first + self._chunk(event.choice, _encode({"images": [image_of(part)]}))
        if isinstance(part, Audio):
            return first + self._chunk(event.choice, _encode({"audio": audio_of(part)}))
        return first

    def _called(self, choice: int, state: ChoiceState, part: ToolCall) -> bytes:
        """Return the first chunk of a call, whose id has the reasoning before it."""
        if self._legacy:
            function = {"name": part.name, "arguments": part.arguments}
            return self._chunk(choice, _encode({FUNCTION_CALL: function}))
        kind, content = ("custom", "input") if part.custom else ("function", "arguments")
        call: Json = {
            "index": state.calls,
            "id": packed_id(state.reasoning, part),
            "type": kind,
            kind: {"name": part.name, content: part.arguments},
        }
        state.calls += 1
        state.reasoning = []
        return self._chunk(choice, _encode({"tool_calls": [call]}))

    def _part_ended(self, event: PartEnded) -> bytes:
        state = self._choices[event.choice]
        if isinstance(state.part, Text):
            state.length += sum(map(len, state.text))
        elif isinstance(state.part, Reasoning):
            signature = state.signature or state.part.signature
            if signature is not None:
                text = state.part.text + "".join(state.text)
                state.reasoning.append(Reasoning(text=text, signature=signature))
        state.part = None
        return b""

    def _said(self, event: TextDelta) -> bytes:
        self._choices[event.choice].text.append(event.text)
        logprobs = b"null"
        if event.logprobs is not None:
            logprobs = _encode({"content": event.logprobs, "refusal": None})
        delta = b'{"content":' + _encode(event.text) + b"}"
        return self._chunk(event.choice, delta, logprobs=logprobs)

    def _thought(self, event: ReasoningDelta) -> bytes:
        if event.summary is None:  # what is signed is the text
            self._choices[event.choice].text.append(event.text)
        return self._chunk(event.choice, b'{"reasoning_content":' + _encode(event.text) + b"}")

    def _argued(self, event: ArgumentsDelta) -> bytes:
        if self._legacy:
            return self._chunk(
                event.choice, b'{"function_call":{"arguments":%b}}' % _encode(event.text)
            )
        state = self._choices[event.choice]
        custom = isinstance(state.part, ToolCall) and state.part.custom
        where = b'"custom":{"input":' if custom else b'"function":{"arguments":'
        delta = b'{"tool_calls":[{"index":%d,%b%b}}]}' % (
            state.calls - 1,
            where,
            _encode(event.text),
        )
        return self._chunk(event.choice, delta)

    def _cited(self, event: Cited) -> bytes:
        state = self._choices[event.choice]
        end = state.length + sum(map(len, state.text))
        annotation = annotation_of(event.citation, state.length, end)
        return self._chunk(event.choice, _encode({"annotations": [annotation]}))

    def _end(self) -> bytes:
        if not self._wants_usage or self._usage is None:
            return DONE
        usage = _encode(render_chat_usage(self._usage))
        # The head ends inside `choices`, which are empty in the chunk with the usage.
        return self._head + b'],"usage":' + usage + b"}\n\n" + DONE
