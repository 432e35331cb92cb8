"""Usage as Anthropic counts it: what comes from the cache or goes into it is counted apart."""

from __future__ import annotations

import msgspec

from airouter.dialects.conversation import Json, Usage
from airouter.untrusted import decoded_or_none


class ThinkingDetails(msgspec.Struct):
    """Parts of the answer."""

    thinking_tokens: int | None = None


class Counts(msgspec.Struct):
    """The `usage` of a message; in a stream, some of it."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens_details: ThinkingDetails | None = None
    service_tier: str | None = None


class UsageBody(msgspec.Struct):
    """Any body with usage in it."""

    usage: Counts | None = None


_body = msgspec.json.Decoder(UsageBody)


def usage_of(body: bytes) -> Usage | None:
    """The usage in a body; None when there is none that can be read."""
    found = decoded_or_none(_body, body)
    return None if found is None or found.usage is None else parse_usage(found.usage)


def parse_usage(counts: Counts) -> Usage:
    """From Anthropic's numbers."""
    read, written = counts.cache_read_input_tokens, counts.cache_creation_input_tokens
    details = counts.output_tokens_details
    known = counts.input_tokens is not None
    return Usage(
        input_tokens=(counts.input_tokens or 0) + (read or 0) + (written or 0) if known else None,
        output_tokens=counts.output_tokens,
        cached_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=None if details is None else details.thinking_tokens,
    )


def later(first: Usage | None, last: Usage) -> Usage:
    """What the end of a stream says, filled with what its beginning said."""
    if first is None or last.cached_tokens is not None or last.cache_write_tokens is not None:
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
    """For a client; what is not known counts as 0."""
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
