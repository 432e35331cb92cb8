"""From the tools of a conversation to `tools` and `tool_choice` of a messages request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.claude.structured import (
    UNHELD,
    closed,
    has_maps,
    is_recursive,
    wanted_schema,
    wants_map,
    wants_recursion,
    wants_schema,
)
from airouter.dialects.claude.tool_choice import (
    called_tools,
    choice_in_anthropics_words,
)
from airouter.dialects.conversation import Format, HostedTool, Unsupported
from airouter.dialects.functions import schema_of
from airouter.dialects.messages.hosted import anthropic_tool, is_anthropics
from airouter.dialects.messages.render_turns import NAME, cache_control
from airouter.dialects.tools import description_of, without_offers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.claude.models import Traits
    from airouter.dialects.conversation import Conversation, Json, Tool, Turn

ANSWER_TOOL = "structured_output"
"""The tool by which a model answers in JSON that cannot be held to a schema otherwise."""


def tool_fields(conversation: Conversation, turns: Sequence[Turn], traits: Traits) -> Json:
    """Return `tools` and `tool_choice`, both absent where there are none. Raises `Unsupported`."""
    given = without_offers(conversation, has=is_anthropics)
    tools = [rendered_tool(tool, traits) for tool in given] or [
        {"name": name, "input_schema": {"type": "object"}} for name in called_tools(turns)
    ]
    if answers_by_tool(conversation, traits):
        return with_answer_tool(conversation, tools)
    if not tools:
        return {}
    choice = choice_in_anthropics_words(conversation) if conversation.tools else {"type": "none"}
    return {"tools": tools, "tool_choice": choice}


def rendered_tool(tool: Tool | HostedTool, traits: Traits) -> Json:
    """Return one tool, strict where the model can be held to it.

    Raises `Unsupported` for one that another provider would run.
    """
    if isinstance(tool, HostedTool):
        return tool.native if tool.dialect == NAME else anthropic_tool(tool)
    schema = schema_of(tool)
    rendered: Json = {"name": tool.name, "input_schema": schema, **tool.native}
    description = description_of(tool)
    if description:
        rendered["description"] = description
    if tool.strict and traits.schemas and not (has_maps(schema) or is_recursive(schema)):
        rendered |= {"strict": True, "input_schema": closed(schema)}
    return rendered | cache_control(tool.cache)


def answers_by_tool(conversation: Conversation, traits: Traits) -> bool:
    """Return whether an answer of a schema needs a tool for want of anything better.

    Raises `Unsupported` for a model that cannot be made to call it.
    """
    wanted = conversation.format
    if wanted is None or not wants_schema(wanted) or is_held(wanted, traits):
        return False
    if not traits.forces:
        raise Unsupported("format", UNHELD)
    return True


def is_held(wanted: Format, traits: Traits) -> bool:
    """Return whether an answer is held to its schema by the model itself.

    That takes no maps, and no schema that contains itself.
    """
    return traits.schemas and not (wants_map(wanted) or wants_recursion(wanted))


def with_answer_tool(conversation: Conversation, tools: list[Json]) -> Json:
    """Return tools among which one is the answer: `parse_response.py` makes text of its call."""
    none = conversation.tool_choice is not None and conversation.tool_choice.mode == "none"
    if none:
        tools = []
    wanted = conversation.format or Format(kind="json_schema")
    answer: Json = {
        "name": ANSWER_TOOL,
        "description": wanted.description or "Give the final answer by this tool.",
        "input_schema": wanted_schema(wanted),
    }
    choice = (
        {"type": "any"}
        if conversation.tools and not none
        else {"type": "tool", "name": ANSWER_TOOL}
    )
    return {"tools": [*tools, answer], "tool_choice": choice}
