"""The body of a Responses request, as msgspec checks it.

The source is OpenAI's API reference and the types of its SDK 3.54. Items and tools are told apart
by `parse_items.py` and `parse_request.py`, since a message may leave its `type` out.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from airouter.dialects.conversation import Effort, Json


class InputText(msgspec.Struct, tag_field="type", tag="input_text"):
    """Text of a user or an application."""

    text: str


class OutputText(msgspec.Struct, tag_field="type", tag="output_text"):
    """Text of the model; what it cites comes back with it."""

    text: str


class PlainText(msgspec.Struct, tag_field="type", tag="text"):
    """Text, as some clients write it."""

    text: str


class RefusalPart(msgspec.Struct, tag_field="type", tag="refusal"):
    """A refusal of the model."""

    refusal: str


class InputImage(msgspec.Struct, tag_field="type", tag="input_image"):
    """An image by its URL or its id."""

    image_url: str | None = None
    file_id: str | None = None
    detail: str | None = None


class InputFile(msgspec.Struct, tag_field="type", tag="input_file"):
    """A file by its content, its URL or its id."""

    file_data: str | None = None
    file_url: str | None = None
    file_id: str | None = None
    filename: str | None = None


class Sound(msgspec.Struct):
    """Sound as base64."""

    data: str
    format: str


class InputAudio(msgspec.Struct, tag_field="type", tag="input_audio"):
    """Sound."""

    input_audio: Sound


Content = InputText | OutputText | PlainText | RefusalPart | InputImage | InputFile | InputAudio
Result = InputText | PlainText | InputImage | InputFile


class Message(msgspec.Struct):
    """What somebody says; `type` is `message` or absent."""

    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[Content]
    id: str | None = None
    phase: str | None = None


class FunctionCall(msgspec.Struct):
    """A call of a function."""

    call_id: str
    name: str
    arguments: str
    id: str | None = None
    namespace: str | None = None


class CustomCall(msgspec.Struct):
    """A call of a custom tool."""

    call_id: str
    name: str
    input: str
    id: str | None = None
    namespace: str | None = None


class CallOutput(msgspec.Struct):
    """What a call gave."""

    call_id: str
    output: str | list[Result]
    id: str | None = None


class Summary(msgspec.Struct):
    """A part of the summary of a reasoning."""

    text: str


class ReasoningItem(msgspec.Struct):
    """What the model thought."""

    id: str | None = None
    summary: list[Summary] | None = None
    content: list[Summary] | None = None
    encrypted_content: str | None = None


class FunctionTool(msgspec.Struct):
    """A function that may be called."""

    name: str
    description: str | None = None
    parameters: Json | None = None
    strict: bool | None = None


class CustomTool(msgspec.Struct):
    """A tool that takes any text."""

    name: str
    description: str | None = None
    format: Json | None = None


class Format(msgspec.Struct):
    """What the answer must look like."""

    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema: Json | None = None
    strict: bool | None = None


class TextConfig(msgspec.Struct):
    """What the text is like."""

    format: Format | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class ReasoningConfig(msgspec.Struct):
    """How much to reason, and what of it is shown."""

    effort: Effort | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None
    context: str | None = None
    mode: str | None = None


class Named(msgspec.Struct):
    """A tool by its type and name."""

    type: str
    name: str | None = None
    mode: Literal["auto", "required"] | None = None
    tools: list[Json] | None = None


class StreamOptions(msgspec.Struct):
    """What a stream has in it."""

    include_obfuscation: bool | None = None


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """A request; fields of `Json` are for OpenAI alone."""

    model: str
    input: str | list[Json] | None = None
    instructions: str | None = None
    access_programs: Json | None = None
    background: bool | None = None
    background_options: Json | None = None
    context_management: list[Json] | None = None
    conversation: str | Json | None = None
    image: Json | None = None
    include: list[str] | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    metadata: dict[str, str] | None = None
    moderation: Json | None = None
    parallel_tool_calls: bool | None = None
    previous_response_id: str | None = None
    prompt: Json | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: Json | None = None
    prompt_cache_retention: str | None = None
    reasoning: ReasoningConfig | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    text: TextConfig | None = None
    tool_choice: Literal["auto", "none", "required"] | Named | None = None
    tools: list[Json] | None = None
    top_logprobs: int | None = None
    top_p: float | None = None
    truncation: Literal["auto", "disabled"] | None = None
    user: str | None = None


NOT_YET = {
    "prompt": "uses a stored prompt",
    "moderation": "is moderated",
    "access_programs": "uses access programs",
}
"""Fields without which a request means something else, and that only OpenAI's own models have."""
