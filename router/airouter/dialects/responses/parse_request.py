"""From the body of a Responses request to a conversation."""

from __future__ import annotations

import msgspec

from airouter.dialects.checking import checked_body
from airouter.dialects.conversation import (
    Conversation,
    Format,
    Hints,
    Json,
    Sampling,
    Text,
    Thinking,
    Tool,
    Turn,
)
from airouter.dialects.responses import schema
from airouter.dialects.responses.names import ToolNames
from airouter.dialects.responses.parse_items import turns_of
from airouter.dialects.responses.tool_choice import choice_of
from airouter.dialects.responses.tools import tools_of
from airouter.dialects.responses.updates import added_tools, given_items, updated
from airouter.dialects.responses.validation import check_outputs, check_request
from airouter.dialects.turns import check_calls, with_calls_told_apart

NAME = "responses"
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
"""Fields that a response repeats unchanged."""
MOST_REPEATED = 524_288
"""Bytes of a field that a response repeats: a stream says it three times, in one piece each."""
OF_ANY_SIZE: Json = {
    "conversation": None,
    "instructions": None,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "user": None,
}
"""Fields whose size is up to the client, and what a response has for one that is too large."""

_decoder = msgspec.json.Decoder(schema.Request)


def parse_request(body: bytes) -> Conversation:
    """Return a checked body as a conversation. Raises `Failure` 400 that names the field."""
    request = updated(checked_body(body, _decoder))
    check_request(request)
    tools = tools_of(request.tools or (), added_tools(request), request.max_tool_calls)
    names = ToolNames(tool for tool in tools if isinstance(tool, Tool))
    items = with_calls_told_apart(turns_of(request.input, names))
    check_outputs(given_items(request))
    check_calls(items)
    return Conversation(
        dialect=NAME,
        turns=(*instructions_of(request.instructions), *items),
        tools=tools,
        tool_choice=choice_of(request.tool_choice, tools),
        parallel_tool_calls=request.parallel_tool_calls,
        max_tokens=request.max_output_tokens,
        sampling=Sampling(temperature=request.temperature, top_p=request.top_p),
        thinking=thinking_of(request.reasoning),
        format=format_of(request.text),
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
            verbosity=request.text.verbosity if request.text else None,
        ),
        stream=bool(request.stream),
        include_usage=True,
        echo=echo_of(request),
    )


def instructions_of(given: str | None) -> list[Turn]:
    """Return the application's instructions as the first turn."""
    if not given:
        return []
    return [Turn(role="system", parts=(Text(text=given),), at="instructions")]


def thinking_of(config: schema.ReasoningConfig | None) -> Thinking | None:
    """Return the reasoning that is asked for."""
    if config is None or (config.effort is None and config.summary is None):
        return None
    return Thinking(effort=config.effort, summary=config.summary or config.generate_summary)


def format_of(config: schema.TextConfig | None) -> Format | None:
    """Return the form that the answer must have."""
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
    """Return True where the answer shall have log probabilities."""
    return bool(request.top_logprobs) or "message.output_text.logprobs" in (request.include or ())


def echo_of(request: schema.Request) -> Json:
    """Return the fields that a response repeats: absent and too large ones at their defaults.

    Those of any size are JSON already, which is made once, however often it is said.
    """
    echo: Json = {name: getattr(request, name) for name in ECHOED}
    reasoning = request.reasoning
    echo |= {
        "metadata": request.metadata or {},
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "top_p": 1.0 if request.top_p is None else request.top_p,
        "truncation": request.truncation or "disabled",
        "service_tier": request.service_tier or "default",
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "tool_choice": msgspec.to_builtins(request.tool_choice or "auto"),
        "tools": [echoed_tool(tool) for tool in request.tools or ()],
        "text": echoed_text(request.text),
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
    return echo | {name: repeated(echo[name], instead) for name, instead in OF_ANY_SIZE.items()}


def repeated(value: object, instead: object) -> object:
    """Return a field as JSON, or what stands for it where that is too large."""
    written = msgspec.json.encode(value)
    return msgspec.Raw(written) if len(written) <= MOST_REPEATED else instead


def conversation_of(given: str | Json | None) -> Json | None:
    """Return a conversation as a response names it."""
    return {"id": given} if isinstance(given, str) else given


def echoed_text(config: schema.TextConfig | None) -> Json:
    """Return the settings of text, every field set."""
    text: Json = {"format": {"type": "text"}, **(msgspec.to_builtins(config) if config else {})}
    if text["format"]["type"] == "json_schema":
        text["format"] = {"description": None, "strict": False, **text["format"]}
    return text


def echoed_tool(tool: Json) -> Json:
    """Return a tool, every field set."""
    if tool.get("type") != "function":
        return tool
    return {"description": None, "parameters": None, "strict": True, **tool}
