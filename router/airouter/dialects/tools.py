"""Tools as renderers describe them to models, and as errors name them to clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

import msgspec

from airouter.dialects.conversation import HostedTool, Opaque, Tool, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.dialects.conversation import Conversation, Part, Turn

OFFERED = ("web_search", "image_generation", "file_search", "tool_search", "mcp")
"""Beginnings of the types of hosted tools that clients add by themselves."""


def description_of(tool: Tool) -> str | None:
    """Return the description of a function, with the grammar of a custom tool.

    Nobody but OpenAI holds a model to a grammar: elsewhere it is asked for in words.
    """
    grammar = tool.grammar or {}
    if not tool.custom or grammar.get("type") != "grammar":
        return tool.description
    inner = grammar.get("grammar") or grammar  # chat has it one level lower
    asked = (
        f"The value of 'input' must match this {inner.get('syntax', 'lark')} grammar:\n"
        f"{inner.get('definition', '')}"
    )
    return f"{tool.description}\n\n{asked}" if tool.description else asked


def without_offers(
    conversation: Conversation, has: Callable[[HostedTool], bool] = lambda _tool: False
) -> tuple[Tool | HostedTool, ...]:
    """Return the tools for a model, without offers of hosted ones that it does not have.

    Coding agents offer a search and their like with every request, beside the functions that they
    are about. Where there are no functions, they stay: an answer without is not what was asked for.
    """
    tools = conversation.tools
    if not any(isinstance(tool, Tool) for tool in tools):
        return tools
    return tuple(tool for tool in tools if not is_offer(tool) or has(tool))


def with_chosen_tools(conversation: Conversation) -> Conversation:
    """Return a conversation without the tools that may not be called.

    For providers that have no word for some of the tools: only for all, for one, or for none.
    """
    choice = conversation.tool_choice
    if choice is None or not choice.names or (choice.mode == "required" and len(choice.names) == 1):
        return conversation
    chosen = frozenset(choice.names)
    tools = tuple(
        tool for tool in conversation.tools if isinstance(tool, HostedTool) or tool.name in chosen
    )
    everything = msgspec.structs.replace(choice, names=())
    return msgspec.structs.replace(conversation, tools=tools, tool_choice=everything)


def is_offer(tool: Tool | HostedTool) -> TypeGuard[HostedTool]:
    """Return True for a tool that a client adds by itself; chat asks for one by a field."""
    return isinstance(tool, HostedTool) and tool.kind.startswith(OFFERED) and tool.dialect != "chat"


def is_record(part: Part, turn: Turn) -> bool:
    """Return True for what a model's own provider did for it: its effect stands in the text.

    A compaction is none, since it stands for all that was said before.
    """
    return (
        isinstance(part, Opaque)
        and turn.role == "assistant"
        and part.native.get("type") != "compaction"
    )


def no_such_tool(tool: HostedTool) -> Unsupported:
    """Return the error for a hosted tool that the destination does not have."""
    why = f"has no tool '{tool.kind[:64]}' that runs at the provider"
    return Unsupported(tool.at, f"{why}: {tool.instead}" if tool.instead else why)


def wants_own_container(tool: HostedTool) -> bool:
    """Return True for code in a container with a client's files: only its provider has that."""
    container = tool.native.get("container")
    if isinstance(container, dict):
        return bool(container.get("file_ids"))
    return container is not None
