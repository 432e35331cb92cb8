"""What renderers say of tools: to a model what it must keep to, to a client what there is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.conversation import HostedTool, Tool, Unsupported

if TYPE_CHECKING:
    from airouter.dialects.conversation import Conversation


def description_of(tool: Tool) -> str | None:
    """The description of a function; one that stands for a custom tool has its grammar in it.

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
    """The tools for a model that has no search on the web, or none that the client may be given.

    Coding agents offer one with every request, beside the functions that they are about. Where
    there is nothing but the search, it stays: an answer without it is not what was asked for.
    """
    tools = conversation.tools
    if not any(isinstance(tool, Tool) for tool in tools):
        return tools
    return tuple(tool for tool in tools if not is_offered_search(tool))


def is_offered_search(tool: Tool | HostedTool) -> bool:
    """Whether it is one tool among others; chat has no such thing, but a field of the request."""
    return (
        isinstance(tool, HostedTool)
        and tool.kind.startswith("web_search")
        and tool.dialect != "chat"
    )


def no_such_tool(tool: HostedTool) -> Unsupported:
    """For a tool that its client's provider would run, and this one does not have."""
    why = f"has no tool '{tool.kind[:64]}' that runs at the provider"
    return Unsupported(tool.at, f"{why}: {tool.instead}" if tool.instead else why)


def wants_own_container(tool: HostedTool) -> bool:
    """Whether code shall run where a client has put something: only its own provider knows that."""
    container = tool.native.get("container")
    if isinstance(container, dict):
        return bool(container.get("file_ids"))
    return container is not None
