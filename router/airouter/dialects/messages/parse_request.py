"""From the body of a messages request to a conversation, in either version of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from airouter.dialects.checking import checked_body, wrong_field
from airouter.dialects.conversation import (
    Conversation,
    File,
    Format,
    Hints,
    HostedTool,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    Turn,
)
from airouter.dialects.messages import schema
from airouter.dialects.messages.parse_turns import NAME, below, cache_of, system_turns, turn_of
from airouter.dialects.messages.tool_changes import tools_after
from airouter.dialects.provenance import Unpacker
from airouter.dialects.turns import check_calls, with_calls_told_apart
from airouter.failures import Failure, invalid_field

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json

MODES = {"enabled": "on", "adaptive": "adaptive", "between_tools": "on", "disabled": "off"}
SUMMARIES: dict[str | None, Literal["auto", "omitted"] | None] = {
    "summarized": "auto",
    "omitted": "omitted",
    None: None,
}
CLIENT_TOOL = frozenset({"name", "description", "input_schema", "strict", "cache_control", "type"})
RANGES = {"temperature": (0, 1), "top_p": (0, 1), "top_k": (0, 2**31)}
SAMPLING = tuple(RANGES)
NEWER_VERSION = "2026-10-21"

_decoder = msgspec.json.Decoder(schema.Request)


def parse_request(body: bytes) -> Conversation:
    """Return the conversation in a body. Raises `Failure` 400 that names the field."""
    return parse_body(body, counting=False)


def parse_count_request(body: bytes) -> Conversation:
    """Return the conversation in a body to be counted, which needs no `max_tokens`."""
    return parse_body(body, counting=True)


def parse_body(body: bytes, *, counting: bool) -> Conversation:
    """Return the conversation in a body, checked."""
    request = checked_body(body, _decoder)
    check_request(request, counting=counting)
    unpacker = Unpacker()
    turns = (turn_of(message, at, unpacker) for at, message in enumerate(request.messages))
    messages = with_calls_told_apart(turn for turn in turns if says_something(turn))
    tools = tools_after(request.tools or (), request.messages)
    check_calls(messages)
    choice, own = request.tool_choice, own_fields(request)
    return Conversation(
        dialect=NAME,
        turns=(*system_turns(request.system), *messages),
        tools=tuple(tool_of(tool, at) for at, tool in enumerate(tools)),
        tool_choice=tool_choice_of(choice),
        parallel_tool_calls=False if choice and choice.disable_parallel_tool_use else None,
        max_tokens=request.max_tokens,
        stop=tuple(request.stop_sequences or ()),
        sampling=Sampling(
            temperature=request.temperature, top_p=request.top_p, top_k=request.top_k
        ),
        thinking=thinking_of(request),
        format=format_of(request),
        hints=Hints(
            user=request.metadata.user_id if request.metadata else None,
            service_tier=request.service_tier,
            native={name: value for name, value in own.items() if is_hint(name, value)},
        ),
        stream=bool(request.stream),
        include_usage=True,
        betas=tuple(request.anthropic_beta or ()),
        extensions={name: value for name, value in own.items() if not is_hint(name, value)},
    )


def says_something(turn: Turn) -> bool:
    """Return False for instructions that only changed the tools, or a setting of Anthropic's."""
    return turn.role != "system" or bool(turn.parts)


def own_fields(request: schema.Request) -> Json:
    """Return the fields that only Anthropic has."""
    given = {name: getattr(request, name) for name in schema.EXTENSIONS}
    return {name: value for name, value in given.items() if value is not None}


def is_hint(name: str, value: object) -> bool:
    """Return whether an answer is the same without a field.

    To forget what is old in a history only saves tokens, so another provider need not do it.
    """
    if name != "context_management":
        return name in schema.HINTS
    try:
        edits = msgspec.convert(value, schema.ContextManagement).edits
    except msgspec.ValidationError:
        return False
    return all(edit.type.startswith("clear_") for edit in edits)


def check_request(request: schema.Request, *, counting: bool) -> None:
    """Check what the types do not say. Raises `Failure` 400."""
    if not request.messages:
        raise invalid_field("messages", "messages: at least one message is required")
    if request.max_tokens is None and not counting:
        raise Failure(400, "max_tokens: Field required", param="max_tokens")
    if request.max_tokens is not None and request.max_tokens < 0:
        raise invalid_field("max_tokens", "max_tokens: must not be negative")
    for name, (least, most) in RANGES.items():
        value = getattr(request, name)
        if value is not None and not least <= value <= most:
            raise invalid_field(name, f"{name}: must be from {least} to {most}")


def check_version(conversation: Conversation, version: str) -> None:
    """Check for what API version 2026-10-21 no longer takes. Raises `Failure` 400."""
    if version < NEWER_VERSION:
        return
    for name in SAMPLING:
        if getattr(conversation.sampling, name) is not None:
            raise invalid_field(name, f"{name}: Extra inputs are not permitted")
    for turn in conversation.turns:
        for part in turn.parts:
            if turn.role == "assistant" and isinstance(part, File):
                raise invalid_field(
                    turn.at, f"{turn.at}: document blocks are not permitted in assistant messages"
                )
            if turn.role == "user" and isinstance(part, Text) and part.citations:
                raise invalid_field(
                    turn.at, f"{turn.at}: citations are not permitted on text of user messages"
                )


def tool_of(native: Json, index: int) -> Tool | HostedTool:
    """Return a client's tool, or one that Anthropic knows by its type. Raises `Failure` 400."""
    kind = native.get("type") or "custom"
    if kind != "custom":
        return HostedTool(kind=str(kind), dialect=NAME, native=native)
    try:
        tool = msgspec.convert(native, schema.ClientTool)
    except msgspec.ValidationError as error:
        raise below(wrong_field(error), f"tools[{index}]") from None
    return Tool(
        name=tool.name,
        description=tool.description,
        parameters=tool.input_schema,
        strict=tool.strict,
        cache=cache_of(tool.cache_control),
        native={key: value for key, value in native.items() if key not in CLIENT_TOOL},
    )


def tool_choice_of(choice: schema.ToolChoiceParam | None) -> ToolChoice | None:
    """Return which tool must be called, if any. Raises `Failure` 400."""
    if choice is None:
        return None
    match choice.type:
        case "auto":
            return ToolChoice(mode="auto")
        case "any":
            return ToolChoice(mode="required")
        case "none":
            return ToolChoice(mode="none")
        case "tool":
            if not choice.name:
                raise invalid_field("tool_choice.name", "tool_choice.name: Field required")
            return ToolChoice(mode="required", names=(choice.name,))


def thinking_of(request: schema.Request) -> Thinking | None:
    """Return how much the model shall think; None where a client says nothing of it.

    An effort alone is for words, too: it is none of a model that does not think.
    """
    config = request.thinking
    effort = request.output_config.effort if request.output_config else None
    if config is None:
        return None if effort is None else Thinking(mode="adaptive", effort=effort)
    return Thinking(
        mode=MODES[config.type],  # type: ignore[arg-type]  # one of them
        effort=effort,
        budget=config.budget_tokens,
        summary=SUMMARIES[config.display],
    )


def format_of(request: schema.Request) -> Format | None:
    """Return the schema of an answer; an older beta has it at the top of the body."""
    wanted = request.output_config.format if request.output_config else None
    wanted = wanted or request.output_format
    return None if wanted is None else Format(kind="json_schema", schema=wanted.schema, strict=True)
