"""What comes back from Converse, as msgspec reads it, whole and as a stream."""

from __future__ import annotations

import msgspec

from airouter.dialects.conversation import Json


class ToolUse(msgspec.Struct, rename="camel"):
    """A call; in a stream, its beginning or a piece of its input as text."""

    tool_use_id: str = ""
    name: str = ""
    input: Json | str | None = None


class ReasoningText(msgspec.Struct):
    """What the model thought."""

    text: str = ""
    signature: str | None = None


class ReasoningContent(msgspec.Struct, rename="camel"):
    """The same, whole; in a stream `text` and `signature` come each alone."""

    reasoning_text: ReasoningText | None = None
    redacted_content: str | None = None
    text: str | None = None
    signature: str | None = None


class Bytes(msgspec.Struct):
    """Bytes as base64."""

    bytes: str | None = None


class ImageBlock(msgspec.Struct):
    """A picture."""

    format: str = "png"
    source: Bytes | None = None


class CitedText(msgspec.Struct):
    """A piece of a text that has sources."""

    text: str = ""


class Place(msgspec.Struct, rename="camel"):
    """Where a source stands: on the web, or in a document."""

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
    """A block, or a piece of one: one of these is there."""

    text: str | None = None
    tool_use: ToolUse | None = None
    reasoning_content: ReasoningContent | None = None
    image: ImageBlock | None = None
    citations_content: CitationsContent | None = None
    citation: Json | None = None


class Message(msgspec.Struct):
    """What the model says."""

    content: list[Block] | None = None


class ConverseOutput(msgspec.Struct):
    """Where it stands."""

    message: Message | None = None


class TokenUsage(msgspec.Struct, rename="camel"):
    """What it cost; what comes from the cache is counted apart."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None


class ServiceTier(msgspec.Struct):
    """How it was served."""

    type: str | None = None


class Response(msgspec.Struct, rename="camel"):
    """A whole answer."""

    output: ConverseOutput | None = None
    stop_reason: str | None = None
    usage: TokenUsage | None = None
    service_tier: ServiceTier | None = None


class StreamEvent(msgspec.Struct, rename="camel"):
    """Any event of a stream."""

    content_block_index: int = 0
    start: Block | None = None
    delta: Block | None = None
    stop_reason: str | None = None
    usage: TokenUsage | None = None
