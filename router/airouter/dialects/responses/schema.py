"""The body of a Responses request, as msgspec checks it.

The source is OpenAI's API reference and the types of its SDK 3.54. Items and tools are told apart
by `parse_items.py` and `parse_request.py`, since a message may leave its `type` out.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from airouter.dialects.conversation import Effort, Json


class Message(msgspec.Struct):
    """A message; `type` is `message` or absent."""

    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[Json] | None = None
    id: str | None = None
    phase: str | None = None


class AgentMessage(msgspec.Struct):
    """A message from one agent of Codex to another."""

    content: str | list[Json] | None = None
    author: str | None = None
    recipient: str | None = None


class FunctionCall(msgspec.Struct):
    """A call of a function, whose arguments some clients have decoded."""

    call_id: str
    name: str
    arguments: str | Json | list[Any] | None = None
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
    """The result of a call."""

    call_id: str
    output: str | list[Json] | None = None
    id: str | None = None


class LocalShellAction(msgspec.Struct, omit_defaults=True):
    """A command for the client's shell, word by word."""

    command: list[str]
    env: dict[str, str] = {}
    timeout_ms: int | None = None
    user: str | None = None
    working_directory: str | None = None


class LocalShellCall(msgspec.Struct):
    """A call of `local_shell`."""

    call_id: str
    action: LocalShellAction
    id: str | None = None


class LocalShellOutput(msgspec.Struct):
    """The result of a call of `local_shell`, by `id` in the SDK, by `call_id` in the guide."""

    output: str
    call_id: str | None = None
    id: str | None = None


class ShellAction(msgspec.Struct, omit_defaults=True):
    """Commands for a shell."""

    commands: list[str]
    timeout_ms: int | None = None
    max_output_length: int | None = None


class ShellCall(msgspec.Struct):
    """A call of `shell`."""

    call_id: str
    action: ShellAction
    id: str | None = None


class CommandOutcome(msgspec.Struct, omit_defaults=True):
    """The end of a command."""

    type: str
    exit_code: int | None = None


class ShellChunk(msgspec.Struct):
    """The output of a command."""

    stdout: str
    stderr: str
    outcome: CommandOutcome


class ShellOutput(msgspec.Struct):
    """The result of a call of `shell`."""

    call_id: str
    output: list[ShellChunk]
    id: str | None = None


class PatchOperation(msgspec.Struct, omit_defaults=True):
    """A change of a file."""

    type: Literal["create_file", "update_file", "delete_file"]
    path: str
    diff: str | None = None


class PatchCall(msgspec.Struct):
    """A call of `apply_patch`."""

    call_id: str
    operation: PatchOperation
    id: str | None = None


class PatchOutput(msgspec.Struct):
    """The result of a call of `apply_patch`."""

    call_id: str
    status: Literal["completed", "failed"]
    output: str | None = None
    id: str | None = None


class ToolSearch(msgspec.Struct):
    """A search for tools that the client makes."""

    description: str | None = None
    parameters: Json | None = None


class ToolSearchCall(msgspec.Struct):
    """A call of `tool_search`."""

    call_id: str
    arguments: Json
    id: str | None = None


class ToolSearchOutput(msgspec.Struct):
    """The tools that a search found."""

    call_id: str
    tools: list[Json]


class SummaryText(msgspec.Struct):
    """A part of the summary of a reasoning."""

    text: str


class ReasoningItem(msgspec.Struct):
    """Thoughts of the model."""

    id: str | None = None
    summary: list[SummaryText] | None = None
    content: list[SummaryText] | None = None
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


class SearchFilters(msgspec.Struct):
    """Domains of a search."""

    allowed_domains: list[str] | None = None
    blocked_domains: list[str] | None = None


class WebSearchTool(msgspec.Struct):
    """A search of the web, as far as other providers know it."""

    filters: SearchFilters | None = None
    user_location: dict[str, str | None] | None = None
    external_web_access: bool | None = None


class CodeInterpreterTool(msgspec.Struct):
    """Code that the provider runs."""

    container: str | Json | None = None


class NamespaceTool(msgspec.Struct):
    """A group of functions and custom tools."""

    name: str
    tools: list[Json]
    description: str | None = None


class FormatConfig(msgspec.Struct, omit_defaults=True):
    """The form that the answer must have."""

    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema: Json | None = None
    strict: bool | None = None


class TextConfig(msgspec.Struct, omit_defaults=True):
    """Settings of the text."""

    format: FormatConfig | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class ReasoningConfig(msgspec.Struct):
    """The reasoning that is asked for, and the part of it to show."""

    effort: Effort | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None
    context: str | None = None
    mode: str | None = None


class AdditionalTools(msgspec.Struct):
    """Tools that an item adds."""

    tools: list[Json]


class ConfigurationUpdate(msgspec.Struct):
    """Settings that an item changes."""

    reasoning: ReasoningConfig | None = None
    text: TextConfig | None = None


class NamedTool(msgspec.Struct, omit_defaults=True):
    """A tool by its type and name."""

    type: str
    name: str | None = None
    namespace: str | None = None
    mode: Literal["auto", "required"] | None = None
    tools: list[Json] | None = None


class StreamOptions(msgspec.Struct):
    """Options of a stream."""

    include_obfuscation: bool | None = None


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """A request; fields of `Json` are for OpenAI alone."""

    model: str
    input: str | list[Json] | None = None
    instructions: str | None = None
    access_programs: Json | None = None
    background: bool | None = None
    background_options: Json | None = None
    client_metadata: Json | None = None
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
    tool_choice: Literal["auto", "none", "required"] | NamedTool | None = None
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
"""Fields for OpenAI's own models that change what a request means."""
