"""The body of a messages request, as msgspec checks it.

The source is anthropic's SDK 2.12 (`MessageCreateParams` and its beta sibling) and the API
reference; `temperature`, `top_p` and `top_k` are no longer in the SDK and still in the API of
2023-06-01.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from airouter.dialects.conversation import Effort, Json


class CacheControl(msgspec.Struct):
    """A mark up to which the prompt is worth keeping."""

    type: Literal["ephemeral"] = "ephemeral"
    ttl: Literal["5m", "1h"] | None = None


class Base64Source(msgspec.Struct, tag_field="type", tag="base64"):
    """A source that is in the request."""

    media_type: str
    data: str


class URLSource(msgspec.Struct, tag_field="type", tag="url"):
    """A source on the web."""

    url: str


class UploadedSource(msgspec.Struct, tag_field="type", tag="file"):
    """A source that was uploaded as a file."""

    file_id: str


class TextSource(msgspec.Struct, tag_field="type", tag="text"):
    """A source that is plain text."""

    data: str
    media_type: str = "text/plain"


class TextBlock(msgspec.Struct, tag_field="type", tag="text"):
    """Text; `citations` come back with an assistant's."""

    text: str
    citations: list[Json] | None = None
    cache_control: CacheControl | None = None


class ImageBlock(msgspec.Struct, tag_field="type", tag="image"):
    """An image."""

    source: Base64Source | URLSource | UploadedSource
    cache_control: CacheControl | None = None


class CitationsConfig(msgspec.Struct):
    """The wish that an answer cites a document."""

    enabled: bool = False


class ContentSource(msgspec.Struct, tag_field="type", tag="content"):
    """A document made of blocks."""

    content: str | list[Json]


class DocumentBlock(msgspec.Struct, tag_field="type", tag="document"):
    """A document."""

    source: Base64Source | URLSource | UploadedSource | TextSource | ContentSource
    title: str | None = None
    context: str | None = None
    citations: CitationsConfig | None = None
    cache_control: CacheControl | None = None


class ThinkingBlock(msgspec.Struct, tag_field="type", tag="thinking"):
    """A thought of the model."""

    thinking: str
    signature: str | None = None
    """Clients that know a signature only from its event leave it out where none came."""


class RedactedBlock(msgspec.Struct, tag_field="type", tag="redacted_thinking"):
    """A thought of the model that may not be shown."""

    data: str


class ToolUseBlock(msgspec.Struct, tag_field="type", tag="tool_use"):
    """A call of a tool."""

    id: str
    name: str
    input: Json | str | list[Any] | None = None
    """Clients whose stream was cut have some of its text, or nothing."""
    cache_control: CacheControl | None = None


class ToolResultBlock(msgspec.Struct, tag_field="type", tag="tool_result"):
    """The result of a call; its blocks are told apart by `parse_turns.py`."""

    tool_use_id: str
    content: str | list[Json] | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None


Block = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | ThinkingBlock
    | RedactedBlock
    | ToolUseBlock
    | ToolResultBlock
)
HOSTED = frozenset(
    {
        "search_result",
        "server_tool_use",
        "web_search_tool_result",
        "web_fetch_tool_result",
        "code_execution_tool_result",
        "bash_code_execution_tool_result",
        "text_editor_code_execution_tool_result",
        "tool_search_tool_result",
        "tool_reference",
        "tool_addition",
        "tool_removal",
        "advisor_tool_result",
        "browser_state",
        "fallback",
        "mcp_tool_use",
        "mcp_tool_result",
        "mcp_tool_listing",
        "container_upload",
        "compaction",
    }
)
"""Types of blocks that only Anthropic's own service makes sense of."""


class Message(msgspec.Struct):
    """A message; its blocks are told apart by `parse_turns.py`."""

    role: Literal["user", "assistant", "system"]
    content: str | list[Json]


class RequestMetadata(msgspec.Struct):
    """The user who asks, as a client names one."""

    user_id: str | None = None


class ThinkingConfig(msgspec.Struct):
    """The wish for thinking."""

    type: Literal["enabled", "adaptive", "disabled", "between_tools"]
    budget_tokens: int | None = None
    display: Literal["summarized", "omitted"] | None = None


class JsonFormat(msgspec.Struct, tag_field="type", tag="json_schema"):
    """A JSON schema for an answer."""

    schema: Json


class OutputConfig(msgspec.Struct):
    """The form of an answer, and the effort for it."""

    effort: Effort | None = None
    format: JsonFormat | None = None
    task_budget: Json | None = None


class ClientTool(msgspec.Struct):
    """A tool that the client runs; its other fields pass through."""

    name: str
    input_schema: Json
    description: str | None = None
    strict: bool | None = None
    cache_control: CacheControl | None = None


class ToolChoiceParam(msgspec.Struct):
    """The choice of a tool."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class ContextEdit(msgspec.Struct):
    """An edit of a prompt that has become long."""

    type: str


class ContextManagement(msgspec.Struct):
    """The edits of a prompt."""

    edits: list[ContextEdit] = []


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """A body; `Json` fields pass through to Anthropic alone."""

    model: str
    messages: list[Message]
    max_tokens: int | None = None
    system: str | list[TextBlock] | None = None
    tools: list[Json] | None = None
    tool_choice: ToolChoiceParam | None = None
    thinking: ThinkingConfig | None = None
    output_config: OutputConfig | None = None
    output_format: JsonFormat | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    metadata: RequestMetadata | None = None
    service_tier: str | None = None
    stream: bool | None = None
    anthropic_version: str | None = None
    anthropic_beta: list[str] | None = None
    cache_control: Json | None = None
    container: Json | str | None = None
    context_management: Json | None = None
    diagnostics: Json | None = None
    inference_geo: str | None = None
    mcp_servers: list[Json] | None = None
    speed: str | None = None
    user_profile_id: str | None = None


EXTENSIONS = (
    "cache_control",
    "container",
    "context_management",
    "diagnostics",
    "inference_geo",
    "mcp_servers",
    "speed",
    "user_profile_id",
)
"""Fields of `Request` that no other dialect has."""
HINTS = frozenset({"cache_control", "diagnostics", "speed"})
"""Fields of `EXTENSIONS` that an answer can do without."""
