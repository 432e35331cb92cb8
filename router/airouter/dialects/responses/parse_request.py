"""From the body of a Responses request to a conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.checking import read
from airouter.dialects.conversation import (
    Conversation,
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
from airouter.dialects.responses import schema
from airouter.dialects.responses.parse_items import read as read_item
from airouter.dialects.responses.parse_items import turns_of
from airouter.dialects.turns import check_calls
from airouter.failures import Failure, invalid_field

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json

NAME = "responses"
RANGES = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "top_logprobs": (0, 20),
    "max_output_tokens": (1, 2**31),
    "max_tool_calls": (1, 2**31),
}
MOST_METADATA, LONGEST_KEY, LONGEST_VALUE = 16, 64, 512
ECHOED = (
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "prompt_cache_key",
    "safety_identifier",
    "service_tier",
    "temperature",
    "top_p",
    "truncation",
    "user",
)
"""Fields that a response repeats as they were given."""

_decoder = msgspec.json.Decoder(schema.Request)


def parse_request(body: bytes) -> Conversation:
    """Read and check a body. Raises `Failure` 400 that names the field."""
    request = read(body, _decoder)
    check_request(request)
    items = turns_of(request.input)
    check_calls(items)
    reasoning = request.reasoning
    return Conversation(
        dialect=NAME,
        turns=(*instructions_of(request.instructions), *items),
        tools=tuple(tool_of(tool, f"tools[{at}]") for at, tool in enumerate(request.tools or ())),
        tool_choice=choice_of(request.tool_choice),
        parallel_tool_calls=request.parallel_tool_calls,
        max_tokens=request.max_output_tokens,
        sampling=Sampling(temperature=request.temperature, top_p=request.top_p),
        thinking=thinking_of(reasoning),
        format=format_of(request.text),
        verbosity=request.text.verbosity if request.text else None,
        logprobs=wants_logprobs(request) or None,
        top_logprobs=request.top_logprobs or None,
        hints=Hints(
            user=request.user,
            safety_identifier=request.safety_identifier,
            metadata=request.metadata,
            service_tier=request.service_tier,
            prompt_cache_key=request.prompt_cache_key,
            prompt_cache_retention=request.prompt_cache_retention,
            store=request.store,
        ),
        stream=bool(request.stream),
        include_usage=True,
        echo=echo_of(request),
    )


def check_request(request: schema.Request) -> None:
    """What the types do not say. Raises `Failure` 400."""
    for name, (least, most) in RANGES.items():
        value = getattr(request, name)
        if value is not None and not least <= value <= most:
            raise invalid_field(name, f"'{name}' must be from {least} to {most}.")
    for name, what in schema.NOT_YET.items():
        if getattr(request, name):
            message = f"A request that {what} is not served for this model: leave '{name}' out."
            raise Failure(400, message, param=name, code="unsupported_parameter")
    check_metadata(request.metadata or {})


def check_metadata(metadata: dict[str, str]) -> None:
    """Few and short. Raises `Failure` 400."""
    if len(metadata) > MOST_METADATA:
        raise invalid_field("metadata", f"'metadata' has at most {MOST_METADATA} pairs.")
    for key, value in metadata.items():
        if len(key) > LONGEST_KEY or len(value) > LONGEST_VALUE:
            what = (
                f"'metadata' takes keys of {LONGEST_KEY} and values of {LONGEST_VALUE} characters."
            )
            raise invalid_field("metadata", what)


def instructions_of(given: str | None) -> list[Turn]:
    """What the application wants, before all else."""
    if not given:
        return []
    return [Turn(role="system", parts=(Text(text=given),), at="instructions")]


def tool_of(native: Json, at: str) -> Tool | HostedTool:
    """A tool of the client, or one that OpenAI runs."""
    match native.get("type"):
        case "function":
            function = read_item(native, schema.FunctionTool, at)
            return Tool(
                name=function.name,
                description=function.description,
                parameters=function.parameters,
                strict=function.strict,
            )
        case "custom":
            custom = read_item(native, schema.CustomTool, at)
            return Tool(
                name=custom.name, description=custom.description, custom=True, grammar=custom.format
            )
        case str(kind):
            return HostedTool(kind=kind, dialect=NAME, native=native)
    raise invalid_field(f"{at}.type", f"'{at}.type' must be the type of a tool.")


def choice_of(choice: str | schema.Named | None) -> ToolChoice | None:
    """Whether and which tool must be called."""
    match choice:
        case None:
            return None
        case "auto" | "none" | "required":
            return ToolChoice(mode=choice)
        case schema.Named(type="function" | "custom", name=str(name)):
            return ToolChoice(mode="required", names=(name,))
        case schema.Named(type="allowed_tools", tools=list(tools)):
            names = tuple(str(tool.get("name")) for tool in tools)
            return ToolChoice(mode=choice.mode or "auto", names=names)
    raise Failure(
        400,
        "'tool_choice' names a tool that this model does not know.",
        param="tool_choice",
        code="unsupported_value",
    )


def thinking_of(config: schema.ReasoningConfig | None) -> Thinking | None:
    """How much to reason."""
    if config is None or (config.effort is None and config.summary is None):
        return None
    return Thinking(effort=config.effort, summary=config.summary or config.generate_summary)


def format_of(config: schema.TextConfig | None) -> Format | None:
    """What the answer must look like."""
    wanted = config.format if config else None
    if wanted is None or wanted.type == "text":
        return None
    return Format(
        kind=wanted.type,
        name=wanted.name,
        description=wanted.description,
        schema=wanted.schema,
        strict=wanted.strict,
    )


def wants_logprobs(request: schema.Request) -> bool:
    """Whether the answer has log probabilities in it."""
    return bool(request.top_logprobs) or "message.output_text.logprobs" in (request.include or ())


def echo_of(request: schema.Request) -> Json:
    """What a response repeats of its request, in full: absent fields at their defaults."""
    echo: Json = {name: getattr(request, name) for name in ECHOED}
    reasoning, text = request.reasoning, request.text
    echo |= {
        "metadata": request.metadata or {},
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "top_p": 1.0 if request.top_p is None else request.top_p,
        "truncation": request.truncation or "disabled",
        "service_tier": request.service_tier or "default",
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "tool_choice": request.tool_choice or "auto",
        "tools": [echoed_tool(tool) for tool in request.tools or ()],
        "text": {"format": {"type": "text"}} if text is None else msgspec.to_builtins(text),
        "reasoning": {
            "effort": reasoning.effort if reasoning else None,
            "summary": reasoning.summary if reasoning else None,
        },
        "store": request.store is not False,
        "top_logprobs": request.top_logprobs or 0,
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "background": bool(request.background),
        "previous_response_id": request.previous_response_id,
        "conversation": conversation_of(request.conversation),
    }
    return echo


def conversation_of(given: str | Json | None) -> Json | None:
    """A conversation as a response names it."""
    return {"id": given} if isinstance(given, str) else given


def echoed_tool(tool: Json) -> Json:
    """A tool as a response repeats it: nothing left open."""
    if tool.get("type") != "function":
        return tool
    return {"description": None, "parameters": None, "strict": True, **tool}
