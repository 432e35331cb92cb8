"""One candidate of an answer: the pieces of a stream put into parts.

Gemini announces neither the beginning nor the end of a part: a part ends where a piece of another
kind comes, or where it is signed.
"""

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
from airouter.dialects.gemini.grounding import candidate_citations, chosen_logprobs
from airouter.dialects.stopping import stop_by_calls
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
"""Reasons to stop that leave no answer; all unknown ones are about content."""
AUDIO_FORMATS = {"l16": "pcm16", "pcm": "pcm16", "mpeg": "mp3"}
"""OpenAI's names of formats by the type of a sound, where those differ."""

_encoder = msgspec.json.Encoder()


class CandidateReader:
    """The reader of one candidate."""

    __slots__ = (
        "_at",
        "_before",
        "_calls",
        "_index",
        "_maker",
        "_open",
        "_reason",
        "_sealed",
        "_seed",
        "_text",
    )

    def __init__(self, index: int, maker: str, seed: str) -> None:
        """`seed` makes ids for calls that have none."""
        self._index = index
        self._maker = maker
        self._seed = seed
        self._at = -1
        self._open: type[Part] | None = None
        self._sealed = False
        """The open part is signed, so nothing may be added to it."""
        self._calls = 0
        self._text: list[str] = []
        """The text of all parts, in which citations have their places."""
        self._before = 0
        """Pieces of that text that stand before the open part."""
        self._reason: str | None = None
        """The last reason to stop; the candidate may go on after code that Google ran."""

    @property
    def stopped(self) -> bool:
        """The candidate may end here."""
        return self._reason is not None

    def feed(self, candidate: schema.Candidate) -> Iterator[Event]:
        """Yield the events of one piece."""
        parts = (candidate.content.parts if candidate.content else None) or []
        last = parts.pop() if parts and is_bare_signature(parts[-1]) else None
        for part in parts:
            yield from self._part(part)
        yield from self._beside(candidate)
        if last is not None:
            yield from self._part(last)
        reason = candidate.finish_reason
        self._reason = reason or self._reason
        if reason in FAULTS:
            yield from self._close()
            yield Broken(failure=model_failure(reason))

    def block(self) -> None:
        """Stop for a prompt that was refused."""
        self._reason = self._reason or "SAFETY"

    def end(self) -> Iterator[Event]:
        """Yield the end: no more pieces will come."""
        yield from self._close()
        yield self._stopped(self._reason or "")

    def _beside(self, candidate: schema.Candidate) -> Iterator[Event]:
        """Yield what is told of a text beside it; other parts have nothing of the kind."""
        if self._open is not Text:
            return
        tokens = chosen_logprobs(candidate.logprobs_result)
        if tokens:
            yield TextDelta(at=self._at, text="", choice=self._index, logprobs=tokens)
        if candidate.grounding_metadata is None and candidate.citation_metadata is None:
            return
        before = sum(map(len, self._text[: self._before]))
        for citation in candidate_citations(candidate, "".join(self._text), before):
            yield Cited(at=self._at, citation=citation, choice=self._index)

    def _part(self, part: schema.ContentPart) -> Iterator[Event]:
        signature = self._signature(part.thought_signature)
        if part.function_call is not None:
            yield from self._call(part.function_call, signature)
        elif part.inline_data is not None:
            if not part.thought:  # a sketch on the way to the picture
                yield from self._whole(inline_media(part.inline_data, signature))
        elif part.executable_code is not None or part.code_execution_result is not None:
            native = msgspec.to_builtins(part)
            native = {name: value for name, value in native.items() if value}
            yield from self._whole(Opaque(dialect="gemini", native=native))
        else:
            yield from self._said(part.text or "", signature, thought=part.thought)

    def _said(self, text: str, signature: Signature | None, *, thought: bool) -> Iterator[Event]:
        """Add to a text or thought until it is signed; a signature without text is a part."""
        kind: type[Part] = Reasoning if thought else Text
        if not text and signature is None:
            return
        if self._open is not kind or self._sealed or not text:
            yield from self._begin(Reasoning() if thought else Text(text=""))
        if text and thought:
            yield ReasoningDelta(at=self._at, text=text, choice=self._index)
        elif text:
            self._text.append(text)
            yield TextDelta(at=self._at, text=text, choice=self._index)
        if signature is not None:
            self._sealed = True
            yield Signed(at=self._at, signature=signature, choice=self._index)

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
        self._sealed = False
        self._before = len(self._text)
        yield PartBegun(at=self._at, part=part, choice=self._index)

    def _close(self) -> Iterator[Event]:
        if self._open is not None:
            self._open = None
            yield PartEnded(at=self._at, choice=self._index)

    def _stopped(self, reason: str) -> Stopped:
        """Return the end; Google has no reason for calls, so calls themselves are the reason."""
        stop = stop_by_calls(STOPS.get(reason, "content_filter"), called=self._calls > 0)
        return Stopped(stop=stop, choice=self._index)

    def _signature(self, value: str | None) -> Signature | None:
        return None if value is None else Signature(maker=self._maker, value=value)


def is_bare_signature(part: schema.ContentPart) -> bool:
    """Return whether a part only signs the text: what is told of the text belongs before it."""
    return part.text == "" and part.thought_signature is not None and not part.thought


def inline_media(blob: schema.Blob, signature: Signature | None) -> Part:
    """Return an image or sound that the model made."""
    if blob.mime_type.startswith("audio/"):
        format_ = blob.mime_type.removeprefix("audio/").partition(";")[0].lower()
        return Audio(data=blob.data, format=AUDIO_FORMATS.get(format_, format_))
    return Image(media=Media(media_type=blob.mime_type, data=blob.data), signature=signature)


def model_failure(reason: str) -> Failure:
    """Return the failure of a model that broke off."""
    return Failure(
        502,
        f"The model failed to answer: {reason}.",
        type="server_error",
        code=reason.lower(),
    )
