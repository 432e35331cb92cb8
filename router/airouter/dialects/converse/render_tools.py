"""From the tools of a conversation to `toolConfig` of a Converse request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.claude.structured import closed, has_maps
from airouter.dialects.claude.tool_choice import called_tools, forbids_calls, named_tool
from airouter.dialects.conversation import HostedTool, Tool
from airouter.dialects.converse.render_turns import cache_point
from airouter.dialects.functions import schema_of
from airouter.dialects.tools import description_of, no_such_tool, without_offers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.conversation import Conversation, Json, Turn
    from airouter.dialects.converse.models import Traits


def tool_config(
    conversation: Conversation, turns: Sequence[Turn], traits: Traits, *, chosen: bool
) -> Json | None:
    """Return the tools and the choice of one; `chosen` says that the choice stands elsewhere."""
    called = called_tools(turns)
    given = without_offers(conversation) or [Tool(name=name) for name in called]
    if not given or (forbids_calls(conversation) and not called):
        return None
    config: Json = {"tools": [block for tool in given for block in tool_blocks(tool, traits)]}
    choice = None if chosen else converse_choice(conversation)
    return config | {"toolChoice": choice} if choice else config


def tool_blocks(tool: Tool | HostedTool, traits: Traits) -> list[Json]:
    """Return one tool, and the point up to which the prompt is cached. Raises `Unsupported`."""
    if isinstance(tool, HostedTool):
        raise no_such_tool(tool)
    schema = schema_of(tool)
    spec: Json = {
        "name": tool.name,
        "description": description_of(tool) or tool.name,
        "inputSchema": {"json": schema},
    }
    if tool.strict and traits.strict_tools and not has_maps(schema):
        spec |= {"strict": True, "inputSchema": {"json": closed(schema)}}
    block = {"toolSpec": spec}
    return [block, *cache_point(tool.cache if traits.caches_tools else None, block)]


def converse_choice(conversation: Conversation) -> Json | None:
    """Return the choice of a tool, if any; that none may be called is said in words."""
    choice = conversation.tool_choice
    if choice is None or choice.mode == "none" or not conversation.tools:
        return None
    name = named_tool(choice)
    if name is not None:
        return {"tool": {"name": name}}
    return {"any": {}} if choice.mode == "required" else {"auto": {}}
