"""Blocks, reasons to stop and usage, as read from a whole answer and from a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from airouter.dialects.claude.answers import CLAUDE_STOPS, arguments_text
from airouter.dialects.conversation import (
    Citation,
    Image,
    Json,
    Media,
    Part,
    Reasoning,
    Signature,
    Stop,
    Text,
    ToolCall,
    Usage,
)
from airouter.dialects.converse import schema
from airouter.dialects.stopping import stop_by_calls
from airouter.failures import Failure
from airouter.interfaces import BrokenReply

if TYPE_CHECKING:
    from collections.abc import Iterator

STOPS: dict[str | None, Stop] = CLAUDE_STOPS | {
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
FAULTS = frozenset({"malformed_model_output", "malformed_tool_use"})
UNITS: dict[str, Literal["character", "page", "block"]] = {
    "documentChar": "character",
    "documentPage": "page",
    "documentChunk": "block",
}


def stop_of(reason: str | None, *, called: bool) -> Stop:
    """Return why the model stopped. Raises `Failure` 502 for a model that failed."""
    if reason in FAULTS:
        raise Failure(
            502, f"The model failed to answer: {reason}.", type="server_error", code=reason
        )
    return stop_by_calls(STOPS.get(reason, "end"), called=called)


def parse_usage(counts: schema.TokenUsage) -> Usage:
    """Return usage from Bedrock's numbers, input from the cache included."""
    read, written = counts.cache_read_input_tokens, counts.cache_write_input_tokens
    given, details = counts.input_tokens, counts.cache_details
    return Usage(
        input_tokens=None if given is None else given + (read or 0) + (written or 0),
        output_tokens=counts.output_tokens,
        cached_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=None
        if details is None
        else sum(each.input_tokens for each in details if each.ttl == "1h"),
    )


def block_parts(block: schema.Block, maker: str) -> Iterator[Part]:
    """Yield the part that a whole block stands for, if any."""
    if block.text:
        yield Text(text=block.text)
    elif block.tool_use is not None:
        use = block.tool_use
        yield ToolCall(id=use.tool_use_id, name=use.name, arguments=arguments_text(use.input))
    elif block.reasoning_content is not None:
        yield block_reasoning(block.reasoning_content, maker)
    elif block.citations_content is not None:
        content = block.citations_content
        yield Text(
            text="".join(piece.text for piece in content.content or ()),
            citations=tuple(map(citation_of, content.citations or ())),
        )
    elif block.image is not None and block.image.source is not None:
        media = Media(media_type=f"image/{block.image.format}", data=block.image.source.bytes)
        yield Image(media=media)


def block_reasoning(content: schema.ReasoningContent, maker: str) -> Reasoning:
    """Return a thought of the model."""
    if content.redacted_content is not None:
        value = content.redacted_content
        return Reasoning(signature=Signature(maker=maker, value=value, redacted=True))
    thought = content.reasoning_text
    if thought is None:
        return Reasoning()
    given = thought.signature
    signature = Signature(maker=maker, value=given) if given else None
    return Reasoning(text=thought.text, signature=signature)


def citation_of(native: Json) -> Citation:
    """Return a citation, with the original in it. Raises `BrokenReply`."""
    try:
        source = msgspec.convert(native, schema.SourceCitation)
    except msgspec.ValidationError:
        raise BrokenReply("a source that the upstream cites cannot be read") from None
    kind, place = next(iter((source.location or {}).items()), ("", schema.Place()))
    return Citation(
        url=place.url,
        title=source.title,
        quote="".join(piece.text for piece in source.source_content or ()) or None,
        document=place.document_index,
        unit=UNITS.get(kind),
        first=place.start,
        last=place.end,
        dialect="converse",
        native=native,
    )
