"""The body for servers that speak OpenAI's API as it was, such as vLLM and Ollama.

Their older words go into the template of an open model. Many templates refuse more than one message
of the system, one that is not the first, or two of the user in a row; many servers take the content
of a message as text alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.chat.render_request import HINTS, body_of
from airouter.dialects.conversation import HostedTool, Text, Tool, ToolCall, ToolResult, Turn
from airouter.dialects.functions import arguments_object, schema_of
from airouter.dialects.tools import description_of, with_chosen_tools
from airouter.dialects.turns import folded, joined_text, leading, merged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.conversation import Conversation, Destination, Json, Part

OPENAI = re.compile(r"(^|/)(o\d|gpt-[5-9])")
"""Models of OpenAI, which know every effort wherever they are asked for."""
EFFORTS = {"minimal": "low", "xhigh": "high", "max": "high"}
"""Efforts in place of those that open models do not know."""

_encoder = msgspec.json.Encoder()


def render_compatible(conversation: Conversation, destination: Destination) -> bytes:
    """Return the body. Raises `Unsupported`."""
    return _encoder.encode(compatible_body(conversation, destination))


def compatible_body(conversation: Conversation, destination: Destination) -> dict[str, Any]:
    """Return the fields of the body. Raises `Unsupported`."""
    body = body_of(plain(conversation), destination)
    if "max_completion_tokens" in body:
        body["max_tokens"] = body.pop("max_completion_tokens")
    if "reasoning_effort" in body and not OPENAI.search(destination.model):
        effort = body["reasoning_effort"]
        body["reasoning_effort"] = EFFORTS.get(effort, effort)
    for name in HINTS:  # strict servers refuse fields that they do not know
        body.pop(name, None)
    return body


def plain(conversation: Conversation) -> Conversation:
    """Return a conversation in the older words."""
    conversation = with_chosen_tools(conversation)
    instructions, turns = leading(conversation.turns)
    return msgspec.structs.replace(
        conversation,
        turns=(*system_of(instructions), *map(plain_turn, merged(folded(turns)))),
        tools=tuple(map(function_of, conversation.tools)),
    )


def system_of(turns: Sequence[Turn]) -> list[Turn]:
    """Return all leading instructions as one turn."""
    text = joined_text(part for turn in turns for part in turn.parts)
    return [Turn(role="system", parts=(Text(text=text),), at=turns[0].at)] if text else []


def plain_turn(turn: Turn) -> Turn:
    """Return a turn without calls of custom tools; texts of the user alone become one."""
    parts: list[Part] = [
        as_function_call(part) if isinstance(part, ToolCall) else part for part in turn.parts
    ]
    results = [part for part in parts if isinstance(part, ToolResult)]
    rest = [part for part in parts if not isinstance(part, ToolResult)]
    if turn.role == "user" and len(rest) > 1 and all(isinstance(part, Text) for part in rest):
        parts = [*results, Text(text=joined_text(rest))]
    return msgspec.structs.replace(turn, parts=tuple(parts))


def as_function_call(call: ToolCall) -> ToolCall:
    """Return a call as one of a function, whose arguments are an object: templates read them."""
    arguments = arguments_object(call)
    if not call.custom and (isinstance(arguments, msgspec.Raw) or not arguments):
        return call
    text = _encoder.encode(arguments).decode()
    return msgspec.structs.replace(call, custom=False, arguments=text)


def function_of(tool: Tool | HostedTool) -> Tool | HostedTool:
    """Return a function, also for a custom tool: see `translation/custom_tools.py`."""
    if isinstance(tool, HostedTool) or not tool.custom:
        return tool
    parameters: Json = schema_of(tool)
    return Tool(name=tool.name, description=description_of(tool), parameters=parameters)
