"""One candidate of a stream: its pieces put into parts."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import (
    Audio,
    Image,
    Media,
    Opaque,
    Part,
    Reasoning,
    Signature,
    Stop,
    Text,
    ToolCall,
)
from airouter.dialects.events import (
    ArgumentsDelta,
    Broken,
    Cited,
    Event,
    PartBegun,
    PartEnded,
    ReasoningDelta,
    Signed,
    Stopped,
    TextDelta,
)
from airouter.dialects.gemini.grounding import citations_of, logprobs_of
from airouter.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.dialects.gemini import schema

STOPS: dict[str, Stop] = {"STOP": "end", "MAX_TOKENS": "length", "FINISH_REASON_UNSPECIFIED": "end"}
FAULTS = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE",
        "OTHER",
    }
)
"""Reasons to stop that are no answer; all others are about content."""

_encoder = msgspec.json.Encoder()


class CandidateReader:
    """What is open of a candidate."""

    __slots__ = ("_at", "_calls", "_index", "_maker", "_open", "_seed", "_text", "stopped")

    def __init__(self, index: int, maker: str, seed: str) -> None:
        """`seed` makes the ids of calls that have none unique."""
        self._index = index
        self._maker = maker
        self._seed = seed
        self._at = -1
        self._open: type[Part] | None = None
        self._calls = 0
        self._text: list[str] = []
        """Of the text that is open, for the places of citations."""
        self.stopped = False

    def feed(self, candidate: schema.Candidate) -> Iterator[Event]:
        """The events of one piece."""
        parts = candidate.content.parts if candidate.content else None
        for part in parts or ():
            yield from self._part(part)
        tokens = logprobs_of(candidate.logprobs_result)
        if tokens and self._open is Text:
            yield TextDelta(at=self._at, text="", choice=self._index, logprobs=tokens)
        if self._open is Text:
            for citation in citations_of(candidate, "".join(self._text)):
                yield Cited(at=self._at, citation=citation, choice=self._index)
        if candidate.finish_reason is not None:
            yield from self._stop(candidate.finish_reason)

    def _part(self, part: schema.Part) -> Iterator[Event]:
        signature = self._signature(part.thought_signature)
        if part.function_call is not None:
            yield from self._call(part.function_call, signature)
        elif part.text is not None:
            yield from self._said(part.text, signature, thought=part.thought)
        elif part.inline_data is not None:
            yield from self._whole(media_of(part.inline_data, signature))
        elif part.executable_code is not None or part.code_execution_result is not None:
            native = msgspec.to_builtins(part)
            native = {name: value for name, value in native.items() if value}
            yield from self._whole(Opaque(dialect="gemini", native=native))

    def _said(self, text: str, signature: Signature | None, *, thought: bool) -> Iterator[Event]:
        """Text goes on where it stopped, but for a piece that is signed: that stands alone."""
        kind: type[Part] = Reasoning if thought else Text
        if not text and signature is None:
            return
        if self._open is not kind or (signature is not None and not text):
            yield from self._begin(Reasoning() if thought else Text(text=""))
        if thought:
            yield ReasoningDelta(at=self._at, text=text, choice=self._index)
        elif text:
            self._text.append(text)
            yield TextDelta(at=self._at, text=text, choice=self._index)
        if signature is not None:
            yield Signed(at=self._at, signature=signature, choice=self._index)
            yield from self._close()

    def _call(self, call: schema.FunctionCall, signature: Signature | None) -> Iterator[Event]:
        self._calls += 1
        id_ = call.id or self._id()
        yield from self._begin(ToolCall(id=id_, name=call.name, arguments="", signature=signature))
        arguments = _encoder.encode(call.args or {}).decode()
        yield ArgumentsDelta(at=self._at, text=arguments, choice=self._index)
        yield from self._close()

    def _id(self) -> str:
        text = f"{self._seed}/{self._index}/{self._calls}"
        return "call_" + hashlib.sha256(text.encode()).hexdigest()[:24]

    def _whole(self, part: Part) -> Iterator[Event]:
        yield from self._begin(part)
        yield from self._close()

    def _begin(self, part: Part) -> Iterator[Event]:
        yield from self._close()
        self._at += 1
        self._open = type(part)
        self._text = []
        yield PartBegun(at=self._at, part=part, choice=self._index)

    def _close(self) -> Iterator[Event]:
        if self._open is not None:
            self._open = None
            yield PartEnded(at=self._at, choice=self._index)

    def _stop(self, reason: str) -> Iterator[Event]:
        if self.stopped:
            return
        self.stopped = True
        yield from self._close()
        if reason in FAULTS:
            yield Broken(failure=fault(reason))
            return
        stop = STOPS.get(reason, "content_filter")
        if stop == "end" and self._calls:
            stop = "tool_calls"
        yield Stopped(stop=stop, choice=self._index)

    def _signature(self, value: str | None) -> Signature | None:
        return None if value is None else Signature(maker=self._maker, value=value)


def media_of(blob: schema.Blob, signature: Signature | None) -> Part:
    """What the model drew or said aloud."""
    if blob.mime_type.startswith("audio/"):
        return Audio(data=blob.data, format=blob.mime_type.removeprefix("audio/").split(";")[0])
    return Image(media=Media(media_type=blob.mime_type, data=blob.data), signature=signature)


def fault(reason: str) -> Failure:
    """A model that failed at what it was doing."""
    return Failure(
        502,
        f"The model failed to answer: {reason}.",
        type="server_error",
        code=reason.lower(),
    )
