"""Tools as renderers describe them to models, and as errors name them to clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.conversation import HostedTool, Tool, Unsupported

if TYPE_CHECKING:
    from airouter.dialects.conversation import Conversation


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


def without_search(conversation: Conversation) -> tuple[Tool | HostedTool, ...]:
    """Return the tools for a model without a search on the web.

    Coding agents offer a search with every request, beside the functions that they are about. Where
    there is nothing but the search, it stays: an answer without it is not what was asked for.
    """
    tools = conversation.tools
    if not any(isinstance(tool, Tool) for tool in tools):
        return tools
    return tuple(tool for tool in tools if not is_offered_search(tool))


def is_offered_search(tool: Tool | HostedTool) -> bool:
    """Return True for a search among other tools; chat asks for it by a field of the request."""
    return (
        isinstance(tool, HostedTool)
        and tool.kind.startswith("web_search")
        and tool.dialect != "chat"
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
