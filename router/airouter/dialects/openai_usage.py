"""Usage as OpenAI nests it: chat completions and Responses count alike and name it differently.

Tokens from a cache are part of the input, and tokens of reasoning part of the output. The structs
of both APIs differ in their names on the wire alone; `chat/` and `responses/` read and render usage
by them, and images are billed in the words of Responses.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from airouter.dialects.conversation import Json, Usage
from airouter.untrusted import decoded_or_none


class InputDetails(msgspec.Struct):
    """Parts of the prompt."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None


class OutputDetails(msgspec.Struct):
    """Parts of the answer."""

    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None


class ResponsesCounts(msgspec.Struct):
    """The `usage` of a response."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


class ChatCounts(
    msgspec.Struct,
    rename={
        "input_tokens": "prompt_tokens",
        "output_tokens": "completion_tokens",
        "input_tokens_details": "prompt_tokens_details",
        "output_tokens_details": "completion_tokens_details",
    },
):
    """The `usage` of a chat completion; embeddings have only the first number."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None
    total_tokens: Any = None


C = TypeVar("C", ChatCounts, ResponsesCounts)


class BodyWithUsage(msgspec.Struct, Generic[C]):
    """The usage in a body, whatever else is in it."""

    usage: C | None = None

    @property
    def counts(self) -> C | None:
        return self.usage


class CountedChoice(msgspec.Struct):
    """A choice, as much of it as has to do with usage."""

    usage: ChatCounts | None = None


class ChatBody(BodyWithUsage[ChatCounts]):
    """The usage in a chat completion or in a chunk of one, where Moonshot has it in a choice."""

    choices: list[CountedChoice] | None = None
    base_resp: Any = None
    """Where MiniMax has its errors."""

    @property
    def counts(self) -> ChatCounts | None:
        return self.usage or next((each.usage for each in self.choices or () if each.usage), None)


class ImagesBody(msgspec.Struct):
    """The images in a body, not decoded, and their usage."""

    data: list[msgspec.Raw] = []
    usage: ResponsesCounts | None = None


B = TypeVar("B", ChatBody, BodyWithUsage[ResponsesCounts])

CHAT_BODY = msgspec.json.Decoder(ChatBody)
RESPONSES_BODY = msgspec.json.Decoder(BodyWithUsage[ResponsesCounts])
_images = msgspec.json.Decoder(ImagesBody)


def usage_in(decoder: msgspec.json.Decoder[B], body: bytes) -> Usage | None:
    """Return the usage in a body; None where none can be read."""
    found = decoded_or_none(decoder, body)
    counts = None if found is None else found.counts
    return None if counts is None else neutral_usage(counts)


def images_usage_in(body: bytes) -> Usage | None:
    """Return the tokens and the number of images in a body; None where none can be read."""
    found = decoded_or_none(_images, body)
    if found is None or (found.usage is None and not found.data):
        return None
    return images_usage(found.usage, len(found.data))


def images_usage(counts: ResponsesCounts | None, images: int) -> Usage:
    """Return what so many images took.

    What is made are images alone, unless the details tell of text, too.
    """
    if counts is None:
        return Usage(images=images)
    usage = msgspec.structs.replace(neutral_usage(counts), images=images)
    if counts.output_tokens_details is not None:
        return usage
    return msgspec.structs.replace(usage, image_output_tokens=counts.output_tokens)


def neutral_usage(counts: ChatCounts | ResponsesCounts) -> Usage:
    """Return a provider's counts as neutral ones."""
    given, made = counts.input_tokens_details, counts.output_tokens_details
    if given is None and made is None:
        return Usage(input_tokens=counts.input_tokens, output_tokens=counts.output_tokens)
    return Usage(
        input_tokens=counts.input_tokens,
        output_tokens=output_in(counts),
        cached_tokens=None if given is None else given.cached_tokens,
        cache_write_tokens=None if given is None else given.cache_write_tokens,
        reasoning_tokens=None if made is None else made.reasoning_tokens,
        audio_input_tokens=None if given is None else given.audio_tokens,
        audio_output_tokens=None if made is None else made.audio_tokens,
        image_input_tokens=None if given is None else given.image_tokens,
        image_output_tokens=None if made is None else made.image_tokens,
    )


def output_in(counts: ChatCounts | ResponsesCounts) -> int | None:
    """Return the tokens of an answer, reasoning included.

    xAI's chat completions tell reasoning beside the output: the total has both.
    """
    output, made = counts.output_tokens, counts.output_tokens_details
    reasoning = None if made is None else made.reasoning_tokens
    if output is None or not reasoning or not isinstance(counts, ChatCounts):
        return output
    both = output + reasoning
    return both if counts.total_tokens == (counts.input_tokens or 0) + both else output


# Renderers write 0 for what is not known, since the SDKs want numbers.


def render_chat_usage(usage: Usage) -> Json:
    """Return the usage as chat completions have it."""
    given, made = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        "prompt_tokens": given,
        "completion_tokens": made,
        "total_tokens": given + made,
        "prompt_tokens_details": {
            **input_details(usage),
            "audio_tokens": usage.audio_input_tokens or 0,
        },
        "completion_tokens_details": {
            **output_details(usage),
            "audio_tokens": usage.audio_output_tokens or 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def render_responses_usage(usage: Usage) -> Json:
    """Return the usage as Responses have it."""
    given, made = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        "input_tokens": given,
        "input_tokens_details": input_details(usage),
        "output_tokens": made,
        "output_tokens_details": output_details(usage),
        "total_tokens": given + made,
    }


def render_image_usage(usage: Usage) -> Json:
    """Return the usage as images have it; their prompts are text."""
    given, made = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        "input_tokens": given,
        "output_tokens": made,
        "total_tokens": given + made,
        "input_tokens_details": {"text_tokens": given, "image_tokens": 0},
    }


def input_details(usage: Usage) -> Json:
    """Return the parts of the input."""
    return {
        "cached_tokens": usage.cached_tokens or 0,
        "cache_write_tokens": usage.cache_write_tokens or 0,
    }


def output_details(usage: Usage) -> Json:
    """Return the parts of the output."""
    return {"reasoning_tokens": usage.reasoning_tokens or 0}
