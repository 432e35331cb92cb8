"""From a provider's whole chat completion to an answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.completion import (
    Completion,
    WireAudio,
    WireCall,
    WireChoice,
    WireFunction,
    WireLogProbs,
    WireMessage,
    error_in,
    message_text,
    message_thought,
    read_completion,
)
from airouter.dialects.chat.errors import failure_in
from airouter.dialects.chat.reasoning import begun_thought
from airouter.dialects.chat.sources import sources_of
from airouter.dialects.conversation import (
    Answer,
    Audio,
    Choice,
    Citation,
    Image,
    Media,
    Part,
    Refusal,
    Stop,
    Text,
    ToolCall,
)
from airouter.dialects.openai_usage import neutral_usage
from airouter.dialects.stopping import stop_by_calls
from airouter.dialects.unique_ids import new_call_id
from airouter.failures import Failure
from airouter.interfaces import BrokenReply

if TYPE_CHECKING:
    from airouter.dialects.conversation import Destination

STOPS: dict[str | None, Stop] = {
    "stop": "end",
    "length": "length",
    "model_length": "length",
    "max_tokens": "length",
    "model_context_window_exceeded": "context_window",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
}
"""Reasons to stop by OpenAI's names, and by those of Mistral and Z.ai."""

CUT = frozenset({"length", "context_window", "content_filter"})
"""Stops at which a call may lack the rest of its arguments."""
FAULTS = frozenset({"error", "abort", "insufficient_system_resource", "network_error"})
"""Reasons to stop that are failures of the server; OpenAI itself has none such."""

DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[^;,]*)*;base64,")

_encoder = msgspec.json.Encoder()


def parse_response(body: bytes, destination: Destination) -> Answer:
    """Return a completion as an answer. Raises `BrokenReply`, and `Failure` for an error."""
    completion = read_completion(body)
    error = error_in(completion)
    if error is not None:
        raise failure_in(error)
    if not completion.choices:
        raise BrokenReply("the upstream's answer has no choices")
    return Answer(
        id=completion.id or "",
        model=completion.model or destination.model,
        created=created_in(completion),
        service_tier=completion.service_tier,
        usage=None if completion.usage is None else neutral_usage(completion.usage),
        choices=tuple(
            cited_choice(choice_of(choice, destination.model), sources_of(completion))
            for choice in completion.choices
        ),
    )


def cited_choice(choice: Choice, sources: tuple[Citation, ...]) -> Choice:
    """Return a choice whose text has sources, unless it has some already."""
    parts = [
        msgspec.structs.replace(part, citations=part.citations or sources)
        if isinstance(part, Text)
        else part
        for part in choice.parts
    ]
    return msgspec.structs.replace(choice, parts=tuple(parts)) if sources else choice


def created_in(completion: Completion) -> int | None:
    """Return the time of a completion, in whole seconds."""
    return None if completion.created is None else int(completion.created)


def choice_of(choice: WireChoice, model: str) -> Choice:
    """Return one choice. Raises `Failure` for one that failed."""
    reason = choice.finish_reason
    if reason in FAULTS:
        raise fault(reason)
    cut = STOPS.get(reason) in CUT
    parts = parts_of(choice.message or WireMessage(), choice.logprobs, model, cut=cut)
    called = any(isinstance(part, ToolCall) for part in parts)
    return Choice(parts=parts, stop=stop_of(reason, called=called), index=choice.index or 0)


def stop_of(reason: str | None, *, called: bool) -> Stop:
    """Return the neutral reason to stop; an unknown one counts as the end."""
    return stop_by_calls(STOPS.get(reason, "end"), called=called)


def fault(reason: str | None) -> Failure:
    """Return the `Failure` of a server that gave up on its answer."""
    what = f"The model failed to answer: {reason}."
    return Failure(502, what, type="server_error", code=reason)


def parts_of(
    said: WireMessage, logprobs: WireLogProbs | None, model: str, *, cut: bool
) -> tuple[Part, ...]:
    """Return the parts of a message, which may have been `cut`: thoughts, texts, and calls."""
    parts: list[Part] = []
    thought, text = message_thought(said), message_text(said)
    if thought is not None:
        begun = begun_thought(thought.field, model)
        parts.append(msgspec.structs.replace(begun, text=thought.text))
    if text:
        tokens = logprobs.content if logprobs is not None else None
        parts.append(
            Text(
                text=text,
                citations=tuple(citations_of(said)),
                logprobs=None if tokens is None else tuple(tokens),
            )
        )
    parts.extend(images_of(said))
    if said.refusal:
        parts.append(Refusal(text=said.refusal))
    if said.audio is not None:
        parts.append(audio_of(said.audio))
    parts.extend((call_of if cut else whole_call)(call) for call in said.calls)
    return tuple(parts)


def whole_call(call: WireCall) -> ToolCall:
    """Return a whole call; some servers say nothing where there are no arguments."""
    found = call_of(call)
    if found.arguments or found.custom:
        return found
    return msgspec.structs.replace(found, arguments="{}")


def call_of(call: WireCall) -> ToolCall:
    """Return a whole call, or the beginning of one. Some servers give it no id."""
    return ToolCall(
        id=call.id or new_call_id(),
        name=name_of(call),
        arguments=arguments_of(call),
        custom=call.custom is not None,
    )


def name_of(call: WireCall) -> str:
    """Return the name of the tool; in a stream, only the first piece of a call has it."""
    return (call.function or call.custom or WireFunction()).name or ""


def arguments_of(call: WireCall) -> str:
    """Return the arguments, or in a stream some of them."""
    if call.custom is not None:
        return call.custom.input or ""
    given = (call.function or WireFunction()).arguments
    return _encoder.encode(given).decode() if isinstance(given, dict) else given or ""


def citations_of(said: WireMessage) -> list[Citation]:
    """Return the sources on the web."""
    found = [annotation.url_citation for annotation in said.annotations or ()]
    return [
        Citation(url=each.url, title=each.title, start=each.start_index, end=each.end_index)
        for each in found
        if each is not None
    ]


def images_of(said: WireMessage) -> list[Image]:
    """Return the pictures that the model drew."""
    urls = [image.image_url.url for image in said.images or () if image.image_url is not None]
    return [Image(media=media_at(url)) for url in urls if url]


def media_at(url: str) -> Media:
    """Return what a URL stands for; a data URL is taken apart."""
    found = DATA_URL.match(url)
    return Media(url=url) if found is None else Media(media_type=found[1], data=url[found.end() :])


def audio_of(sound: WireAudio) -> Audio:
    """Return the model's speech."""
    return Audio(
        id=sound.id, data=sound.data, expires_at=sound.expires_at, transcript=sound.transcript
    )
