"""Tools that come and go in the middle of a conversation, by blocks of its system messages.

Coding agents tell so of tools that were late. Other providers, and older models of Claude, know
only the tools of a whole request: they get those that there are at its end.

Source: `BetaRequestToolAdditionBlockParam` and its like for removals, of Anthropic's SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airouter.dialects.conversation import Json
    from airouter.dialects.messages import schema

ADDITION, REMOVAL = "tool_addition", "tool_removal"
CHANGES = (ADDITION, REMOVAL)
MARKS = (b'"tool_addition"', b'"tool_removal"')
DEFERRED = "defer_loading"
"""Hides a tool until it is found, or added."""


def may_change_tools(body: bytes) -> bool:
    """Return whether a body may have such blocks; nearly none has."""
    return any(body.find(mark) >= 0 for mark in MARKS)


def tools_after(tools: Iterable[Json], messages: Iterable[schema.Message]) -> list[Json]:
    """Return the tools that are offered at the end of a conversation."""
    defined: dict[str, Json] = {}
    added: set[str] = set()
    withdrawn: set[str] = set()
    for block in changes_in(messages):
        tool = block["tool"]
        definition = tool.get("definition")
        if isinstance(definition, dict):
            tool = definition
            if name_of(tool):
                defined[name_of(tool)] = tool
        gains, loses = (added, withdrawn) if block["type"] == ADDITION else (withdrawn, added)
        gains.add(name_of(tool))
        loses.discard(name_of(tool))
    withdrawn.discard("")
    declared = [tool for tool in tools if name_of(tool) not in defined]
    kept = [tool for tool in (*declared, *defined.values()) if name_of(tool) not in withdrawn]
    return [undeferred(tool) if name_of(tool) in added else tool for tool in kept]


def name_of(tool: Json) -> str:
    """Return the name of a tool; empty for what has none, such as all tools of an MCP server."""
    name = tool.get("name")
    return name if isinstance(name, str) else ""


def undeferred(tool: Json) -> Json:
    """Return a tool that need not be found first."""
    return {name: value for name, value in tool.items() if name != DEFERRED}


def changes_in(messages: Iterable[schema.Message]) -> Iterator[Json]:
    """Yield the blocks that add or remove a tool."""
    for message in messages:
        if message.role != "system" or isinstance(message.content, str):
            continue
        for block in message.content:
            if block.get("type") in CHANGES and isinstance(block.get("tool"), dict):
                yield block
