"""Demands on the calls of an answer, by the names that providers know."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from airouter.dialects.conversation import HostedTool, Tool, ToolChoice
from airouter.dialects.responses import schema
from airouter.dialects.responses.item_structs import as_struct
from airouter.dialects.responses.local_tools import KINDS
from airouter.dialects.responses.names import declared
from airouter.failures import Failure, invalid_field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

NAMED = frozenset({"function", "custom", "namespace", *KINDS})


class Selector(NamedTuple):
    """A way to name a tool: by its type and name, by its namespace, by the item of its calls."""

    kind: str
    name: str | None
    namespace: str | None = None


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
            return ToolChoice(mode=choice.mode or "auto", names=chosen_names(wanted, tools))
        case schema.NamedTool():
            return ToolChoice(mode="required", names=chosen_names([choice], tools))
    raise invalid_field("tool_choice", "'tool_choice' must be a mode or a tool.")


def chosen_names(
    choices: Iterable[schema.NamedTool], tools: Sequence[Tool | HostedTool]
) -> tuple[str, ...]:
    """Return the names of chosen tools and of namespaces' tools. Raises `Failure` 400."""
    selected = names_by_selector(tools)
    names: dict[Selector, list[str]] = {}
    for choice in choices:
        selector = selector_of(choice)
        found = selected.get(selector)
        if not found:
            name = choice.name or choice.type
            what = f"Tool choice '{name[:64]}' not found in 'tools' parameter."
            raise invalid_field("tool_choice", what)
        names[selector] = found if choice.type == "namespace" else found[:1]
    return tuple(dict.fromkeys(chain.from_iterable(names.values())))


def names_by_selector(tools: Sequence[Tool | HostedTool]) -> dict[Selector, list[str]]:
    """Return the names of tools by all that a choice can say of them."""
    found: dict[Selector, list[str]] = {}
    for tool in tools:
        if isinstance(tool, Tool):
            for selector in selectors_of(tool):
                found.setdefault(selector, []).append(tool.name)
    return found


def selectors_of(tool: Tool) -> Iterator[Selector]:
    """Yield all that a choice can say of a tool."""
    key = declared(tool)
    if key.item is not None:
        yield Selector("item", key.item)
        return
    kind = "custom" if tool.custom else "function"
    yield Selector(kind, key.name)
    if key.namespace is not None:
        yield Selector(kind, key.name, key.namespace)
        yield Selector("namespace", key.namespace)


def selector_of(choice: schema.NamedTool) -> Selector:
    """Return what a choice says of a tool. Raises `Failure` 400."""
    if choice.type not in NAMED:
        what = f"'tool_choice' names a tool of the type '{choice.type[:64]}'"
        what = f"{what}, which this model cannot be told to call: name a function, or leave it out."
        raise Failure(400, what, param="tool_choice", code="unsupported_value")
    if choice.type in KINDS:
        return Selector("item", KINDS[choice.type].item)
    if choice.type == "namespace":
        return Selector("namespace", choice.name)
    return Selector(choice.type, choice.name, choice.namespace)
