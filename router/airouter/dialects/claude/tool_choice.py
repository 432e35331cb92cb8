"""Tools of Claude, of which there are as many in a request as its history needs, and the choice.

Converse has Claude's rules here for models of every family, and words of its own for most of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.conversation import ToolCall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.conversation import Conversation, Json, ToolChoice, Turn


def called_tools(turns: Sequence[Turn]) -> list[str]:
    """Return the names of all tools that were called.

    A history with calls in it needs tools, though none of them is to be called any more.
    """
    names = (part.name for turn in turns for part in turn.parts if isinstance(part, ToolCall))
    return list(dict.fromkeys(names))


def forces_a_tool(conversation: Conversation) -> bool:
    """Return whether a tool must be called, which no model does while it thinks by a budget."""
    choice = conversation.tool_choice
    return choice is not None and choice.mode == "required"


def forbids_calls(conversation: Conversation) -> bool:
    """Return whether no tool may be called."""
    return conversation.tool_choice is not None and conversation.tool_choice.mode == "none"


def named_tool(choice: ToolChoice) -> str | None:
    """Return the one tool that must be called, if one is named."""
    return choice.names[0] if choice.names else None


def choice_in_anthropics_words(conversation: Conversation) -> Json | None:
    """Return `tool_choice` for a request, or None for what is so anyway."""
    choice = conversation.tool_choice
    alone = {"disable_parallel_tool_use": True} if conversation.parallel_tool_calls is False else {}
    if choice is None:
        return {"type": "auto", **alone} if alone else None
    if choice.mode == "none":
        return {"type": "none"}
    name = named_tool(choice)
    if name is not None:
        return {"type": "tool", "name": name, **alone}
    return {"type": "any" if choice.mode == "required" else "auto", **alone}
