"""Usage as Anthropic counts it: tokens read from the cache or written to it are counted apart."""

from __future__ import annotations

import msgspec

from airouter.dialects.conversation import Json, Usage
from airouter.untrusted import decoded_or_none


class ThinkingDetails(msgspec.Struct):
    """The thinking in the tokens of an answer."""

    thinking_tokens: int | None = None


class CacheCreation(msgspec.Struct):
    """The tokens written to the cache, by how long they are kept."""

    ephemeral_1h_input_tokens: int | None = None


class Counts(msgspec.Struct):
    """The `usage` of a message; in a stream, some of its fields."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: ThinkingDetails | None = None
    service_tier: str | None = None


class UsageBody(msgspec.Struct):
    """A body with usage in it."""

    usage: Counts | None = None


_body = msgspec.json.Decoder(UsageBody)


def usage_of(body: bytes) -> Usage | None:
    """Return the usage in a body; None where there is none that can be read."""
    found = decoded_or_none(_body, body)
    return None if found is None or found.usage is None else parse_usage(found.usage)


def parse_usage(counts: Counts) -> Usage:
    """Return usage from Anthropic's numbers, input from the cache included."""
    read, written = counts.cache_read_input_tokens, counts.cache_creation_input_tokens
    details, creation = counts.output_tokens_details, counts.cache_creation
    known = counts.input_tokens is not None
    return Usage(
        input_tokens=(counts.input_tokens or 0) + (read or 0) + (written or 0) if known else None,
        output_tokens=counts.output_tokens,
        cached_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=None if creation is None else creation.ephemeral_1h_input_tokens,
        reasoning_tokens=None if details is None else details.thinking_tokens,
    )


def later(first: Usage | None, last: Usage) -> Usage:
    """Return usage as the end of a stream has it, filled with what the beginning said.

    Anthropic's end has sums alone: how long the cache keeps what was written stands in the
    beginning.
    """
    if first is None:
        return last
    if last.cache_write_1h_tokens is None:
        last = msgspec.structs.replace(last, cache_write_1h_tokens=first.cache_write_1h_tokens)
    if last.cached_tokens is not None or last.cache_write_tokens is not None:
        return last
    if last.input_tokens is None:
        given = first.input_tokens
    else:
        cached, written = first.cached_tokens, first.cache_write_tokens
        given = last.input_tokens + (cached or 0) + (written or 0)
    return msgspec.structs.replace(
        last,
        input_tokens=given,
        cached_tokens=first.cached_tokens,
        cache_write_tokens=first.cache_write_tokens,
    )


def render_usage(usage: Usage | None) -> Json:
    """Return usage for a client; a number that is not known is 0."""
    usage = usage or Usage()
    cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
    counts: Json = {
        "input_tokens": max(0, (usage.input_tokens or 0) - cached - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.output_tokens or 0,
    }
    if usage.reasoning_tokens is not None:
        counts["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return counts
