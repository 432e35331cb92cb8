"""From a conversation to the body of a messages request, in version 2023-06-01."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.claude.models import Traits, traits_of
from airouter.dialects.claude.structured import closed
from airouter.dialects.claude.thinking import (
    SMALLEST_BUDGET,
    forces_a_tool,
    lacks_reasoning,
    thinking_of,
)
from airouter.dialects.conversation import (
    Format,
    HostedTool,
    Tool,
    ToolCall,
    Unsupported,
)
from airouter.dialects.functions import schema_of
from airouter.dialects.messages.hosted import hosted_tool, searches_live
from airouter.dialects.messages.render_turns import cache_control, messages_of, placed, system_of
from airouter.dialects.tools import description_of, without_search
from airouter.dialects.turns import folded, leading, merged

if TYPE_CHECKING:
    from airouter.dialects.conversation import Conversation, Destination, Json, Turn

NAME = "messages"
ANSWER_TOOL = "structured_output"
"""The tool by which a model answers in JSON that cannot be held to a schema otherwise."""
TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}
SAMPLING = ("temperature", "top_p", "top_k")
NEVER = ("frequency_penalty", "presence_penalty", "logit_bias", "seed")
JSON_ONLY = "Answer with one JSON object and nothing else."

_encoder = msgspec.json.Encoder()


def render_request(conversation: Conversation, destination: Destination) -> bytes:
    """The body, model included. Raises `Unsupported`, and `Failure` 400 for unreadable calls."""
    return _encoder.encode(body_of(conversation, destination))


def body_of(conversation: Conversation, destination: Destination) -> dict[str, Any]:
    """All of it."""
    traits = traits_of(destination.model)
    refuse(conversation)
    instructions, turns = leading(conversation.turns)
    turns = merged(placed(turns) if traits.system_messages else folded(turns))
    body: dict[str, Any] = {
        "model": destination.model,
        "max_tokens": ceiling(conversation, destination, traits),
        "messages": messages_of(turns, destination.maker),
    }
    system = system_of(instructions)
    if wants_any_json(conversation.format):
        system.append({"type": "text", "text": JSON_ONLY})
    optional = {
        "system": system,
        "stop_sequences": list(conversation.stop),
        **sampling_of(conversation, traits),
        **tools_of(conversation, turns, traits),
        **hints_of(conversation),
    }
    body |= {name: value for name, value in optional.items() if value not in (None, [])}
    add_thinking(body, conversation, destination, traits, turns)
    add_format(body, conversation.format, traits)
    if conversation.stream:
        body["stream"] = True
    if conversation.dialect == NAME:
        body |= conversation.extensions | conversation.hints.native
    return body


def ceiling(conversation: Conversation, destination: Destination, traits: Traits) -> int:
    """What an answer may have; 0 only warms the cache."""
    if conversation.max_tokens is not None:
        return conversation.max_tokens
    return destination.max_output_tokens or traits.max_tokens


def refuse(conversation: Conversation) -> None:
    """What messages have no word for."""
    if conversation.dialect != NAME and conversation.extensions:
        raise Unsupported(next(iter(conversation.extensions)), "does not know this field")
    for name in NEVER:
        if getattr(conversation.sampling, name) is not None:
            raise Unsupported(name, "does not take it")
    if conversation.n not in {None, 1}:
        raise Unsupported("n", "gives one answer at a time")
    if conversation.logprobs or conversation.top_logprobs:
        raise Unsupported("logprobs", "cannot return log probabilities")
    if conversation.audio is not None or set(conversation.modalities) - {"text"}:
        raise Unsupported("modalities", "answers in text only")
    if any(not stop.strip() for stop in conversation.stop):
        raise Unsupported("stop", "takes no stop sequence of white space")


def sampling_of(conversation: Conversation, traits: Traits) -> Json:
    """How tokens are drawn. Raises `Unsupported`."""
    sampling = conversation.sampling
    given = {name: getattr(sampling, name) for name in SAMPLING}
    given = {name: value for name, value in given.items() if value is not None}
    if given and not traits.samples:
        name, _value = next(iter(given.items()))
        if set(given) <= {"temperature", "top_p"} and set(given.values()) == {1}:
            return {}  # as it is anyway
        raise Unsupported(name, "draws its tokens as it will")
    if sampling.temperature is not None and sampling.temperature > 1:
        raise Unsupported("temperature", "takes a temperature from 0 to 1")
    if traits.version >= (4, 5) and {"temperature", "top_p"} <= set(given):
        if given["top_p"] == 1:
            del given["top_p"]
        else:
            raise Unsupported("top_p", "takes either a temperature or a top_p")
    return given


def tools_of(conversation: Conversation, turns: list[Turn], traits: Traits) -> Json:
    """The tools and the choice of one.

    A history with calls in it needs tools, though none are to be called any more.
    """
    given = conversation.tools if searches_live(conversation) else without_search(conversation)
    tools = [tool_of(tool) for tool in given]
    called = [part.name for turn in turns for part in turn.parts if isinstance(part, ToolCall)]
    if not tools:
        tools = [
            {"name": name, "input_schema": {"type": "object"}} for name in dict.fromkeys(called)
        ]
    if wants_answer_tool(conversation.format, traits):
        return by_answer_tool(conversation, tools)
    if not tools:
        return {}
    choice = choice_of(conversation) if conversation.tools else {"type": "none"}
    return {"tools": tools, "tool_choice": choice}


def tool_of(tool: Tool | HostedTool) -> Json:
    """One tool. Raises `Unsupported` for one that another provider would run."""
    if isinstance(tool, HostedTool):
        return tool.native if tool.dialect == NAME else hosted_tool(tool)
    schema = schema_of(tool)
    rendered: Json = {"name": tool.name, "input_schema": schema, **tool.native}
    description = description_of(tool)
    if description:
        rendered["description"] = description
    if tool.strict:
        rendered |= {"strict": True, "input_schema": closed(schema)}
    return rendered | cache_control(tool.cache)


def choice_of(conversation: Conversation) -> Json | None:
    """Whether and which tool must be called."""
    choice = conversation.tool_choice
    alone = {"disable_parallel_tool_use": True} if conversation.parallel_tool_calls is False else {}
    if choice is None:
        return {"type": "auto", **alone} if alone else None
    if choice.mode == "none":
        return {"type": "none"}
    if len(choice.names) > 1 or (choice.names and choice.mode == "auto"):
        raise Unsupported("tool_choice", "cannot be left with only some of the tools")
    if choice.names:
        return {"type": "tool", "name": choice.names[0], **alone}
    return {"type": "any" if choice.mode == "required" else "auto", **alone}


def wants_any_json(wanted: Format | None) -> bool:
    """Whether any JSON object will do."""
    return wanted is not None and wanted.kind == "json_object"


def wants_answer_tool(wanted: Format | None, traits: Traits) -> bool:
    """Whether an answer of a schema needs a tool for want of anything better."""
    return wanted is not None and wanted.kind == "json_schema" and not traits.schemas


def by_answer_tool(conversation: Conversation, tools: list[Json]) -> Json:
    """Tools among which one is the answer. `response.py` makes text of its call."""
    none = conversation.tool_choice is not None and conversation.tool_choice.mode == "none"
    if none:
        tools = []
    wanted = conversation.format or Format(kind="json_schema")
    answer: Json = {
        "name": ANSWER_TOOL,
        "description": wanted.description or "Give the final answer by this tool.",
        "input_schema": wanted.schema or {"type": "object"},
    }
    choice = (
        {"type": "any"}
        if conversation.tools and not none
        else {"type": "tool", "name": ANSWER_TOOL}
    )
    return {"tools": [*tools, answer], "tool_choice": choice}


def hints_of(conversation: Conversation) -> Json:
    """What Anthropic knows of them."""
    hints = conversation.hints
    user = hints.user or hints.safety_identifier
    tier = TIERS.get(hints.service_tier or "")
    return {"metadata": {"user_id": user} if user else None, "service_tier": tier}


def add_thinking(
    body: dict[str, Any],
    conversation: Conversation,
    destination: Destination,
    traits: Traits,
    turns: list[Turn],
) -> None:
    """Ask for thinking, where that goes with the rest. Raises `Unsupported`."""
    fields = thinking_of(conversation.thinking, traits)
    enabled = fields.get("thinking", {}).get("type") in {"enabled", "adaptive"}
    if enabled and forces_a_tool(conversation) and traits.budgets:
        raise Unsupported("tool_choice", "cannot be made to call a tool while it thinks")
    if enabled and traits.budgets:
        if lacks_reasoning(turns, destination.maker) or body.get("tool_choice", {}).get("type") in {
            "any",
            "tool",
        }:
            del fields["thinking"]
        else:
            make_room(body, fields["thinking"], conversation)
    body |= fields


def make_room(body: dict[str, Any], thinking: Json, conversation: Conversation) -> None:
    """A budget is less than `max_tokens`; which of the two gives way depends on who chose it."""
    budget, most = thinking["budget_tokens"], body["max_tokens"]
    if "temperature" in body and body["temperature"] != 1:
        raise Unsupported("temperature", "takes no temperature but 1 while it thinks")
    if "top_k" in body:
        raise Unsupported("top_k", "takes no top_k while it thinks")
    if budget < most:
        return
    chosen = conversation.thinking is not None and conversation.thinking.budget is not None
    if chosen or most <= SMALLEST_BUDGET:
        if conversation.max_tokens is not None:
            raise Unsupported("max_tokens", "needs more of them than its budget for thinking")
        body["max_tokens"] = budget + most
    else:
        thinking["budget_tokens"] = max(SMALLEST_BUDGET, most // 2)


def add_format(body: dict[str, Any], wanted: Format | None, traits: Traits) -> None:
    """Hold the answer to a schema."""
    if wanted is not None and wanted.kind == "json_schema" and traits.schemas:
        schema = closed(wanted.schema or {"type": "object", "properties": {}})
        config = body.setdefault("output_config", {})
        config["format"] = {"type": "json_schema", "schema": schema}
