"""The body of a chat completion request, as msgspec checks it.

The source is OpenAI's API reference. Beside its fields stand a few that people send to routers:
`top_k`, `thinking` and `cache_control`, as Anthropic has them. Messages may have further fields,
since clients send answers back with all that was in them.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from airouter.dialects.conversation import Effort, Json

Cache = dict[Literal["type", "ttl"], str]


class TextPart(msgspec.Struct, tag_field="type", tag="text"):
    """Text."""

    text: str
    cache_control: Cache | None = None


class RefusalPart(msgspec.Struct, tag_field="type", tag="refusal"):
    """A refusal that an assistant gave."""

    refusal: str


class ThoughtPart(msgspec.Struct, tag_field="type", tag="thinking"):
    """A thought among the parts of an answer, as Mistral writes it."""


class ImageURL(msgspec.Struct):
    """An image by its URL, which may be a data URL."""

    url: str
    detail: str | None = None


class ImagePart(msgspec.Struct, tag_field="type", tag="image_url"):
    """An image."""

    image_url: ImageURL
    cache_control: Cache | None = None


class InputAudio(msgspec.Struct):
    """Sound as base64."""

    data: str
    format: str


class AudioPart(msgspec.Struct, tag_field="type", tag="input_audio"):
    """Sound."""

    input_audio: InputAudio


class FileData(msgspec.Struct):
    """A file by its content (a data URL) or by its id."""

    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class FilePart(msgspec.Struct, tag_field="type", tag="file"):
    """A file."""

    file: FileData
    cache_control: Cache | None = None


UserPart = TextPart | ImagePart | AudioPart | FilePart
AssistantPart = TextPart | RefusalPart | ThoughtPart


class SystemMessage(msgspec.Struct, tag_field="role", tag="system"):
    """Instructions of the application."""

    content: str | list[TextPart]
    name: str | None = None
    cache_control: Cache | None = None


class DeveloperMessage(msgspec.Struct, tag_field="role", tag="developer"):
    """Instructions of the application, by their newer name."""

    content: str | list[TextPart]
    name: str | None = None
    cache_control: Cache | None = None


class UserMessage(msgspec.Struct, tag_field="role", tag="user"):
    """A message of the user."""

    content: str | list[UserPart]
    name: str | None = None
    cache_control: Cache | None = None


class FunctionCall(msgspec.Struct):
    """Name and arguments of a call, which some clients have decoded."""

    name: str
    arguments: str | Json | list[Any] | None = None


class CustomCall(msgspec.Struct):
    """Name and input of a call."""

    name: str
    input: str


class ToolCallPart(msgspec.Struct):
    """A call of a function, or of a custom tool; not every server gives its calls a type."""

    id: str
    type: Literal["function", "custom"] | None = None
    function: FunctionCall | None = None
    custom: CustomCall | None = None


class AudioRef(msgspec.Struct):
    """An earlier answer in sound."""

    id: str


class AssistantMessage(msgspec.Struct, tag_field="role", tag="assistant"):
    """A message of the model."""

    content: str | list[AssistantPart] | None = None
    refusal: str | None = None
    tool_calls: list[ToolCallPart] | None = None
    audio: AudioRef | None = None
    name: str | None = None
    function_call: FunctionCall | None = None
    cache_control: Cache | None = None


class ToolMessage(msgspec.Struct, tag_field="role", tag="tool"):
    """The result of a call."""

    tool_call_id: str
    content: str | list[TextPart | ImagePart | FilePart] | None = None
    cache_control: Cache | None = None


class FunctionMessage(msgspec.Struct, tag_field="role", tag="function"):
    """The result of a call, as it was before tools."""

    name: str
    content: str | list[TextPart | ImagePart | FilePart] | None = None


ToolMessages = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage
"""Messages of clients that know tools."""
Message = ToolMessages | FunctionMessage


class Function(msgspec.Struct):
    """A function that may be called; `parameters` is a JSON Schema."""

    name: str
    description: str | None = None
    parameters: Json | None = None
    strict: bool | None = None
    cache_control: Cache | None = None


class FunctionTool(msgspec.Struct, tag_field="type", tag="function"):
    """A function as a tool."""

    function: Function
    cache_control: Cache | None = None


class Custom(msgspec.Struct):
    """A tool that takes any text."""

    name: str
    description: str | None = None
    format: Json | None = None


class CustomTool(msgspec.Struct, tag_field="type", tag="custom"):
    """A custom tool."""

    custom: Custom


class ToolName(msgspec.Struct):
    """A tool by its name."""

    name: str


class FunctionChoice(msgspec.Struct, tag_field="type", tag="function"):
    """A demand to call this function."""

    function: ToolName


class CustomChoice(msgspec.Struct, tag_field="type", tag="custom"):
    """A demand to call this custom tool."""

    custom: ToolName


class AllowedTool(msgspec.Struct):
    """A tool that may be called."""

    type: Literal["function", "custom"]
    function: ToolName | None = None
    custom: ToolName | None = None


class AllowedTools(msgspec.Struct):
    """Tools that may be called, or of which one must."""

    mode: Literal["auto", "required"]
    tools: list[AllowedTool]


class AllowedChoice(msgspec.Struct, tag_field="type", tag="allowed_tools"):
    """A demand to call none but some tools."""

    allowed_tools: AllowedTools


Choice = FunctionChoice | CustomChoice | AllowedChoice


class JsonSchema(msgspec.Struct):
    """The schema of an answer."""

    name: str
    description: str | None = None
    schema: Json | None = None
    strict: bool | None = None


class TextFormat(msgspec.Struct, tag_field="type", tag="text"):
    """Any text."""


class JsonObjectFormat(msgspec.Struct, tag_field="type", tag="json_object"):
    """Any JSON object."""


class JsonSchemaFormat(msgspec.Struct, tag_field="type", tag="json_schema"):
    """JSON by a schema."""

    json_schema: JsonSchema


class ThinkingOptions(msgspec.Struct):
    """Reasoning that is asked for as Anthropic does."""

    type: Literal["enabled", "adaptive", "disabled"]
    budget_tokens: int | None = None


class StreamOptions(msgspec.Struct):
    """Options of a stream."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """A request."""

    messages: list[Message]
    model: str
    audio: Json | None = None
    frequency_penalty: float | None = None
    function_call: Literal["auto", "none"] | ToolName | None = None
    functions: list[Function] | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    metadata: dict[str, str] | None = None
    modalities: list[Literal["text", "audio", "image"]] | None = None
    moderation: Json | None = None
    n: int | None = None
    parallel_tool_calls: bool | None = None
    prediction: Json | None = None
    presence_penalty: float | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: Json | None = None
    prompt_cache_retention: str | None = None
    reasoning_effort: Effort | None = None
    response_format: TextFormat | JsonObjectFormat | JsonSchemaFormat | None = None
    safety_identifier: str | None = None
    seed: int | None = None
    service_tier: str | None = None
    stop: str | list[str] | None = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    thinking: ThinkingOptions | None = None
    tool_choice: Literal["auto", "none", "required"] | Choice | None = None
    tools: list[FunctionTool | CustomTool] | None = None
    top_k: int | None = None
    top_logprobs: int | None = None
    top_p: float | None = None
    user: str | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    web_search_options: dict[str, Any] | None = None
