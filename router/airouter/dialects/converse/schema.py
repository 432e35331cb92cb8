"""The answers of Converse as msgspec reads them, whole and as a stream."""

from __future__ import annotations

import msgspec

from airouter.dialects.conversation import Json


class ToolUse(msgspec.Struct, rename="camel"):
    """A call; in a stream, its beginning or a piece of its input as text."""

    tool_use_id: str = ""
    name: str = ""
    input: Json | str | None = None


class ReasoningText(msgspec.Struct):
    """A thought of the model."""

    text: str = ""
    signature: str | None = None


class ReasoningContent(msgspec.Struct, rename="camel"):
    """A thought; in a stream `text` and `signature` come each alone."""

    reasoning_text: ReasoningText | None = None
    redacted_content: str | None = None
    text: str | None = None
    signature: str | None = None


class Bytes(msgspec.Struct):
    """Bytes as base64."""

    bytes: str | None = None


class ImageBlock(msgspec.Struct):
    """An image."""

    format: str = "png"
    source: Bytes | None = None


class CitedText(msgspec.Struct):
    """A piece of a text that has sources."""

    text: str = ""


class Place(msgspec.Struct, rename="camel"):
    """A place in a source: on the web, or in a document."""

    url: str | None = None
    document_index: int | None = None
    start: int | None = None
    end: int | None = None


class SourceCitation(msgspec.Struct, rename="camel"):
    """A source; the only key of its location says what is counted there."""

    title: str | None = None
    source_content: list[CitedText] | None = None
    location: dict[str, Place] | None = None


class CitationsContent(msgspec.Struct):
    """A text and its sources."""

    content: list[CitedText] | None = None
    citations: list[Json] | None = None


class Block(msgspec.Struct, rename="camel"):
    """A block, or a piece of one, in one of these fields."""

    text: str | None = None
    tool_use: ToolUse | None = None
    reasoning_content: ReasoningContent | None = None
    image: ImageBlock | None = None
    citations_content: CitationsContent | None = None
    citation: Json | None = None


class Message(msgspec.Struct):
    """The model's message."""

    content: list[Block] | None = None


class ConverseOutput(msgspec.Struct):
    """The output of a call, of which there is only a message."""

    message: Message | None = None


class CacheDetail(msgspec.Struct, rename="camel"):
    """Tokens written to the cache, and how long they are kept there."""

    ttl: str | None = None
    input_tokens: int = 0


class TokenUsage(msgspec.Struct, rename="camel"):
    """The usage; tokens from the cache are counted apart."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    cache_details: list[CacheDetail] | None = None


class ServiceTier(msgspec.Struct):
    """The tier that served the request."""

    type: str | None = None


class Response(msgspec.Struct, rename="camel"):
    """A whole answer."""

    output: ConverseOutput | None = None
    stop_reason: str | None = None
    usage: TokenUsage | None = None
    service_tier: ServiceTier | None = None


class StreamEvent(msgspec.Struct, rename="camel"):
    """An event of any type."""

    content_block_index: int = 0
    start: Block | None = None
    delta: Block | None = None
    stop_reason: str | None = None
    usage: TokenUsage | None = None
