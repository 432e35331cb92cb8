"""Demands on the calls of an answer, by the names that providers know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.conversation import HostedTool, Tool, ToolChoice
from airouter.dialects.responses import schema
from airouter.dialects.responses.item_structs import as_struct
from airouter.dialects.responses.local_tools import KINDS
from airouter.dialects.responses.names import declared
from airouter.failures import Failure, invalid_field

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMED = frozenset({"function", "custom", "namespace", *KINDS})


def choice_of(
    choice: str | schema.NamedTool | None, tools: Sequence[Tool | HostedTool]
) -> ToolChoice | None:
    """Return the client's demand. Raises `Failure` 400."""
    match choice:
        case None:
            return None
        case "auto" | "none" | "required":
            return ToolChoice(mode=choice)
        case schema.NamedTool(type="allowed_tools", tools=list(allowed)):
            wanted = [as_struct(each, schema.NamedTool, "tool_choice") for each in allowed]
            names = tuple(name for each in wanted for name in chosen_names(each, tools))
            return ToolChoice(mode=choice.mode or "auto", names=names)
        case schema.NamedTool():
            return ToolChoice(mode="required", names=chosen_names(choice, tools))
    raise invalid_field("tool_choice", "'tool_choice' must be a mode or a tool.")


def chosen_names(choice: schema.NamedTool, tools: Sequence[Tool | HostedTool]) -> tuple[str, ...]:
    """Return the names of a chosen tool, or of a namespace's tools. Raises `Failure` 400."""
    if choice.type not in NAMED:
        what = f"'tool_choice' names a tool of the type '{choice.type[:64]}'"
        what = f"{what}, which this model cannot be told to call: name a function, or leave it out."
        raise Failure(400, what, param="tool_choice", code="unsupported_value")
    names = tuple(tool.name for tool in tools if isinstance(tool, Tool) and is_chosen(tool, choice))
    if not names:
        name = choice.name or choice.type
        what = f"Tool choice '{name[:64]}' not found in 'tools' parameter."
        raise invalid_field("tool_choice", what)
    return names if choice.type == "namespace" else names[:1]


def is_chosen(tool: Tool, choice: schema.NamedTool) -> bool:
    """Return True where a choice names a tool, or the tool's namespace."""
    if choice.type in KINDS:
        return tool.item == KINDS[choice.type].item
    if choice.type == "namespace":
        return tool.namespace is not None and tool.namespace == choice.name
    key = declared(tool)
    return (
        key.item is None
        and key.name == choice.name
        and tool.custom == (choice.type == "custom")
        and (choice.namespace is None or choice.namespace == key.namespace)
    )
