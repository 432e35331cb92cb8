"""Usage as chat completions count it: what comes from a cache and what is thought are included."""

from __future__ import annotations

import msgspec

from airouter.dialects.conversation import Json, Usage


class PromptDetails(msgspec.Struct):
    """Parts of the prompt."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class CompletionDetails(msgspec.Struct):
    """Parts of the answer."""

    reasoning_tokens: int | None = None


class Counts(msgspec.Struct):
    """The `usage` of a body; embeddings have only the first number."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None


class Body(msgspec.Struct):
    """Any body with usage in it."""

    usage: Counts | None = None


_body = msgspec.json.Decoder(Body)


def usage_of(body: bytes) -> Usage | None:
    """The usage in a body; None when there is none that can be read."""
    try:
        counts = _body.decode(body).usage
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if counts is None else parse_usage(counts)


def parse_usage(counts: Counts) -> Usage:
    """From a provider's numbers."""
    prompt, completion = counts.prompt_tokens_details, counts.completion_tokens_details
    return Usage(
        input_tokens=counts.prompt_tokens,
        output_tokens=counts.completion_tokens,
        cached_tokens=None if prompt is None else prompt.cached_tokens,
        cache_write_tokens=None if prompt is None else prompt.cache_write_tokens,
        reasoning_tokens=None if completion is None else completion.reasoning_tokens,
    )


def render_usage(usage: Usage) -> Json:
    """For a client; what is not known counts as 0, as the SDKs want numbers."""
    prompt, completion = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens or 0,
            "cache_write_tokens": usage.cache_write_tokens or 0,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens or 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
