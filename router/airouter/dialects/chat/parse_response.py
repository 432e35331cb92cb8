"""From a provider's whole chat completion to an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.counts import Counts, parse_usage
from airouter.dialects.chat.errors import failure_in
from airouter.dialects.conversation import (
    Answer,
    Audio,
    Choice,
    Citation,
    Json,
    Part,
    Reasoning,
    Refusal,
    Stop,
    Text,
    ToolCall,
)
from airouter.wire import BrokenReply

if TYPE_CHECKING:
    from airouter.dialects.conversation import Destination

STOPS: dict[str | None, Stop] = {
    "stop": "end",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


class Called(msgspec.Struct):
    """Name and arguments, or in a stream some of them."""

    name: str | None = None
    arguments: str | None = None
    input: str | None = None


class Call(msgspec.Struct):
    """A call of a tool, or in a stream some of it."""

    id: str | None = None
    index: int | None = None
    function: Called | None = None
    custom: Called | None = None


class URLCitation(msgspec.Struct):
    """Where a piece of the text comes from."""

    url: str
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class Annotation(msgspec.Struct):
    """What is said of the text."""

    url_citation: URLCitation | None = None


class Sound(msgspec.Struct):
    """What the model says aloud, or in a stream some of it."""

    id: str | None = None
    data: str | None = None
    expires_at: int | None = None
    transcript: str | None = None


class Said(msgspec.Struct):
    """A message, or in a stream some of it. Open-weight servers have two names for reasoning."""

    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[Call] | None = None
    annotations: list[Annotation] | None = None
    audio: Sound | None = None


class LogProbs(msgspec.Struct):
    """How likely each token was."""

    content: list[Json] | None = None


class WireChoice(msgspec.Struct):
    """One of the answers."""

    index: int = 0
    message: Said | None = None
    delta: Said | None = None
    finish_reason: str | None = None
    logprobs: LogProbs | None = None


class Completion(msgspec.Struct):
    """A completion, or a chunk of one."""

    id: str | None = None
    model: str | None = None
    created: int | None = None
    choices: list[WireChoice] | None = None
    usage: Counts | None = None
    service_tier: str | None = None
    error: Json | str | None = None


_decoder = msgspec.json.Decoder(Completion)


def read_completion(body: bytes) -> Completion:
    """A body or the data of a chunk. Raises `BrokenReply`."""
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BrokenReply("the upstream's answer is no chat completion") from None


def parse_response(body: bytes, destination: Destination) -> Answer:
    """An answer. Raises `BrokenReply`, and `Failure` for an error in a 200."""
    completion = read_completion(body)
    if completion.error:
        raise failure_in(completion.error)
    if completion.choices is None:
        raise BrokenReply("the upstream's answer has no choices")
    return Answer(
        id=completion.id or "",
        model=completion.model or destination.model,
        created=completion.created,
        service_tier=completion.service_tier,
        usage=None if completion.usage is None else parse_usage(completion.usage),
        choices=tuple(map(choice_of, completion.choices)),
    )


def choice_of(choice: WireChoice) -> Choice:
    """One choice."""
    parts = parts_of(choice.message or Said(), choice.logprobs)
    return Choice(parts=parts, stop=stop_of(choice.finish_reason), index=choice.index)


def stop_of(reason: str | None) -> Stop:
    """Why it stopped; a word that nobody knows is an end as any other."""
    return STOPS.get(reason, "end")


def parts_of(said: Said, logprobs: LogProbs | None) -> tuple[Part, ...]:
    """The parts of a message: what was thought, said, and called."""
    parts: list[Part] = []
    thought = said.reasoning_content or said.reasoning
    if thought:
        parts.append(Reasoning(text=thought))
    if said.content:
        tokens = logprobs.content if logprobs is not None else None
        parts.append(
            Text(
                text=said.content,
                citations=tuple(citations_of(said)),
                logprobs=None if tokens is None else tuple(tokens),
            )
        )
    if said.refusal:
        parts.append(Refusal(text=said.refusal))
    if said.audio is not None:
        parts.append(audio_of(said.audio))
    parts.extend(call_of(call) for call in said.tool_calls or ())
    return tuple(parts)


def call_of(call: Call) -> ToolCall:
    """A whole call, or the beginning of one."""
    called = call.function or call.custom or Called()
    return ToolCall(
        id=call.id or "",
        name=called.name or "",
        arguments=(called.input if call.custom else called.arguments) or "",
        custom=call.custom is not None,
    )


def citations_of(said: Said) -> list[Citation]:
    """The sources on the web."""
    found = [annotation.url_citation for annotation in said.annotations or ()]
    return [
        Citation(url=each.url, title=each.title, start=each.start_index, end=each.end_index)
        for each in found
        if each is not None
    ]


def audio_of(sound: Sound) -> Audio:
    """What was said aloud."""
    return Audio(
        id=sound.id, data=sound.data, expires_at=sound.expires_at, transcript=sound.transcript
    )
