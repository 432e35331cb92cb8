"""From the body of a chat completion request to a conversation."""

from __future__ import annotations

import msgspec

from airouter.dialects.chat import schema
from airouter.dialects.chat.legacy_functions import (
    check_functions,
    choice_of_function,
    with_tool_calls,
)
from airouter.dialects.chat.parse_turns import cache_of, turn_of
from airouter.dialects.checking import checked_body
from airouter.dialects.conversation import (
    Conversation,
    Format,
    Hints,
    HostedTool,
    Sampling,
    Thinking,
    Tool,
    ToolChoice,
)
from airouter.dialects.provenance import Unpacker
from airouter.dialects.turns import check_calls, with_calls_told_apart
from airouter.failures import invalid_field

SEARCH = "web_search_options"
RANGES = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
    "top_logprobs": (0, 20),
    "n": (1, 128),
    "max_tokens": (1, 2**31),
    "max_completion_tokens": (1, 2**31),
    "top_k": (0, 2**31),
}

_decoder = msgspec.json.Decoder(schema.Request)


def parse_request(body: bytes) -> Conversation:
    """Return a checked body as a conversation. Raises `Failure` 400 that names the field."""
    request = checked_body(body, _decoder)
    check_request(request)
    unpacker = Unpacker()
    turns = with_calls_told_apart(
        turn_of(message, at, unpacker) for at, message in with_tool_calls(request.messages)
    )
    check_calls(turns)
    return Conversation(
        dialect="chat",
        turns=tuple(turns),
        tools=(*map(tool_of, tools_in(request)), *hosted_tools(request)),
        tool_choice=tool_choice_of(request.tool_choice) or choice_of_function(request),
        parallel_tool_calls=False if request.functions else request.parallel_tool_calls,
        legacy_functions=bool(request.functions),
        max_tokens=request.max_completion_tokens or request.max_tokens,
        stop=stop_sequences(request.stop),
        sampling=sampling_of(request),
        thinking=thinking_of(request),
        format=format_of(request.response_format),
        n=request.n,
        logprobs=request.logprobs,
        top_logprobs=request.top_logprobs,
        modalities=tuple(request.modalities or ()),
        audio=request.audio,
        hints=hints_of(request),
        stream=bool(request.stream),
        include_usage=bool(request.stream_options and request.stream_options.include_usage),
        extensions={} if request.moderation is None else {"moderation": request.moderation},
    )


def check_request(request: schema.Request) -> None:
    """Check the rules that types do not express. Raises `Failure` 400."""
    if not request.messages:
        raise invalid_field("messages", "'messages' must have at least one message.")
    for name, (least, most) in RANGES.items():
        value = getattr(request, name)
        if value is not None and not least <= value <= most:
            raise invalid_field(name, f"'{name}' must be from {least} to {most}.")
    if request.stream_options is not None and not request.stream:
        raise invalid_field("stream_options", "'stream_options' needs 'stream' to be true.")
    if request.top_logprobs and not request.logprobs:
        raise invalid_field("top_logprobs", "'top_logprobs' needs 'logprobs' to be true.")
    check_tools(request)
    check_functions(request)


def check_tools(request: schema.Request) -> None:
    """Check the names of tools, and the choice of one. Raises `Failure` 400."""
    names: set[str] = set()
    for at, name in enumerate(map(name_of, request.tools or ())):
        if not name or name in names:
            field = f"tools[{at}].function.name"
            raise invalid_field(field, f"'{field}' must be a name that no other tool has.")
        names.add(name)
    choice = tool_choice_of(request.tool_choice)
    if choice is None:
        return
    if choice.mode == "required" and not names:
        raise invalid_field("tool_choice", "'tool_choice' is only allowed with 'tools'.")
    unknown = [name for name in choice.names if name not in names]
    if unknown:
        raise invalid_field("tool_choice", f"'tool_choice' names no tool: '{unknown[0][:64]}'.")


def tools_in(request: schema.Request) -> list[schema.FunctionTool | schema.CustomTool]:
    """Return the tools, functions of old among them."""
    functions = [schema.FunctionTool(function=each) for each in request.functions or ()]
    return [*(request.tools or ()), *functions]


def name_of(tool: schema.FunctionTool | schema.CustomTool) -> str:
    """Return the name that a model calls a tool by."""
    return tool.function.name if isinstance(tool, schema.FunctionTool) else tool.custom.name


def tool_of(tool: schema.FunctionTool | schema.CustomTool) -> Tool:
    """Return a tool in its neutral form."""
    if isinstance(tool, schema.CustomTool):
        custom = tool.custom
        return Tool(
            name=custom.name, description=custom.description, custom=True, grammar=custom.format
        )
    function = tool.function
    return Tool(
        name=function.name,
        description=function.description,
        parameters=function.parameters,
        strict=function.strict,
        cache=cache_of(tool.cache_control or function.cache_control),
    )


def hosted_tools(request: schema.Request) -> list[HostedTool]:
    """Return the search of the web, which chat has as a field of the request."""
    options = request.web_search_options
    if options is None:
        return []
    return [HostedTool(kind="web_search", dialect="chat", native=options, at=SEARCH)]


def tool_choice_of(choice: str | schema.Choice | None) -> ToolChoice | None:
    """Return the demand on the calls of the answer."""
    match choice:
        case None:
            return None
        case schema.FunctionChoice():
            return ToolChoice(mode="required", names=(choice.function.name,))
        case schema.CustomChoice():
            return ToolChoice(mode="required", names=(choice.custom.name,))
        case schema.AllowedChoice():
            allowed = choice.allowed_tools
            tools = [tool.function or tool.custom for tool in allowed.tools]
            return ToolChoice(mode=allowed.mode, names=tuple(t.name for t in tools if t))
        case "auto" | "none" | "required":
            return ToolChoice(mode=choice)
    raise invalid_field("tool_choice", "'tool_choice' is not valid.")


def stop_sequences(stop: str | list[str] | None) -> tuple[str, ...]:
    """Return the stop sequences; an empty one never stops anything."""
    given = [stop] if isinstance(stop, str) else stop or ()
    return tuple(filter(None, given))


def sampling_of(request: schema.Request) -> Sampling:
    """Return the settings of how tokens are drawn.

    Penalties and biases of nothing are absent: libraries send them, and few models have the fields.
    """
    return Sampling(
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        frequency_penalty=request.frequency_penalty or None,
        presence_penalty=request.presence_penalty or None,
        logit_bias=request.logit_bias or None,
        seed=request.seed,
    )


def thinking_of(request: schema.Request) -> Thinking | None:
    """Return the reasoning that is asked for."""
    options, effort = request.thinking, request.reasoning_effort
    if options is None:
        return None if effort is None else Thinking(effort=effort)
    match options.type:
        case "enabled":
            return Thinking(mode="on", budget=options.budget_tokens, effort=effort)
        case "adaptive":
            return Thinking(mode="adaptive", effort=effort)
        case "disabled":
            return Thinking(mode="off")


def format_of(
    given: schema.TextFormat | schema.JsonObjectFormat | schema.JsonSchemaFormat | None,
) -> Format | None:
    """Return the form that the answer must have; text is the default."""
    match given:
        case schema.JsonObjectFormat():
            return Format(kind="json_object")
        case schema.JsonSchemaFormat(json_schema=wanted):
            return Format(
                kind="json_schema",
                name=wanted.name,
                description=wanted.description,
                schema=wanted.schema,
                strict=wanted.strict,
            )
    return None


def hints_of(request: schema.Request) -> Hints:
    """Return the fields that do not change the answer."""
    return Hints(
        user=request.user,
        safety_identifier=request.safety_identifier,
        metadata=request.metadata,
        service_tier=request.service_tier,
        prompt_cache_key=request.prompt_cache_key,
        prompt_cache_retention=request.prompt_cache_retention,
        store=request.store,
        verbosity=request.verbosity,
    )
