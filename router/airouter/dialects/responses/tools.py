"""The tools of a Responses request: functions of the client, and tools that a provider runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import HostedTool, Tool
from airouter.dialects.responses import schema
from airouter.dialects.responses.item_structs import as_struct
from airouter.dialects.responses.local_tools import local_tool, runs_locally
from airouter.dialects.responses.names import declared, with_names
from airouter.failures import invalid_field

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airouter.dialects.conversation import Json

NAME = "responses"
AS_FUNCTION = "give the model a function that your application runs"
INSTEAD = {
    "file_search": "search in your application, and give the model a function for it",
    "computer": AS_FUNCTION,
    "computer_use_preview": AS_FUNCTION,
    "mcp": "connect to the MCP server in your application, and give its tools as functions",
    "image_generation": "make images by '/v1/images/generations', or by a function",
    "tool_search": "give all tools in 'tools'",
    "programmatic_tool_calling": "let the model call the functions themselves",
    "shell": "run the commands in your application, with an environment of type 'local'",
}
"""Advice for clients whose model lacks a tool."""
CALLED = ("function", "custom")
"""Types of tools that may stand in a namespace; no set, since a client's type may be anything."""

Tools = list[Tool | HostedTool]


def tools_of(
    given: Sequence[Json], added: Sequence[tuple[str, Json]], most: int | None
) -> tuple[Tool | HostedTool, ...]:
    """Return all tools, by names for providers; `added` stand in the input, with their places.

    `most` is how often the provider may run its own. Raises `Failure` 400.
    """
    if not given and not added:
        return ()
    tools: Tools = []
    seen: set[object] = set()
    for number, native in enumerate(given):
        for tool in tools_in(native, f"tools[{number}]", most):
            if isinstance(tool, Tool):
                check_new(tool, f"tools[{number}]", seen)
            tools.append(tool)
    later = [tool for at, native in added for tool in tools_in(native, at, most)]
    return with_provider_names(replaced(tools, later))


def check_new(tool: Tool, at: str, seen: set[object]) -> None:
    """Check that no two tools have one name. Raises `Failure` 400."""
    key = declared(tool)
    if key in seen:
        where = f" of the namespace '{key.namespace[:64]}'" if key.namespace else ""
        what = f"'{at}' has a name that another tool{where} has: '{key.name[:64]}'."
        raise invalid_field(at, what)
    seen.add(key)


def replaced(tools: Tools, later: Tools) -> Tools:
    """Return tools without repetitions: the last declaration counts, in the place of the first."""
    found = {tool_identity(tool): tool for tool in tools}
    return list((found | {tool_identity(tool): tool for tool in later}).values())


def tool_identity(tool: Tool | HostedTool) -> object:
    """Return the key that tells a tool from the rest."""
    return tool.kind if isinstance(tool, HostedTool) else declared(tool)


def with_provider_names(tools: Tools) -> tuple[Tool | HostedTool, ...]:
    """Return tools by names for providers."""
    functions = iter(with_names([tool for tool in tools if isinstance(tool, Tool)]))
    return tuple(next(functions) if isinstance(tool, Tool) else tool for tool in tools)


def tools_in(native: Json, at: str, most: int | None) -> Iterator[Tool | HostedTool]:
    """Yield the tools that one entry declares. Raises `Failure` 400."""
    match native.get("type"):
        case "namespace":
            space = as_struct(native, schema.NamespaceTool, at)
            for number, inner in enumerate(space.tools):
                yield in_namespace(inner, space, f"{at}.tools[{number}]")
        case str(kind):
            yield client_tool(native, at) or hosted_tool(kind, native, at, most)
        case _:
            raise invalid_field(f"{at}.type", f"'{at}.type' must be the type of a tool.")


def in_namespace(native: Json, space: schema.NamespaceTool, at: str) -> Tool:
    """Return a tool of a namespace, with both descriptions. Raises `Failure` 400."""
    tool = client_tool(native, at) if native.get("type") in CALLED else None
    if tool is None:
        raise invalid_field(f"{at}.type", f"'{at}.type' must be 'function' or 'custom'.")
    told = filter(None, (space.description, tool.description))
    return msgspec.structs.replace(
        tool, namespace=space.name, description="\n\n".join(told) or None
    )


def client_tool(native: Json, at: str) -> Tool | None:
    """Return a tool that the client runs; None for any other."""
    match native.get("type"):
        case "function":
            function = as_struct(native, schema.FunctionTool, at)
            return Tool(
                name=function.name,
                description=function.description,
                parameters=function.parameters,
                strict=function.strict,
            )
        case "custom":
            custom = as_struct(native, schema.CustomTool, at)
            return Tool(
                name=custom.name, description=custom.description, custom=True, grammar=custom.format
            )
        case "local_shell" | "shell" | "apply_patch" as name if runs_locally(native):
            return local_tool(name)
        case "tool_search" if native.get("execution") == "client":
            search = as_struct(native, schema.ToolSearch, at)
            return local_tool("tool_search", search.description, search.parameters)
    return None


def hosted_tool(kind: str, native: Json, at: str, most: int | None) -> HostedTool:
    """Return a tool that the provider runs, or lacks. Raises `Failure` 400."""
    if kind.startswith("web_search"):
        as_struct(native, schema.WebSearchTool, at)
    elif kind == "code_interpreter":
        as_struct(native, schema.CodeInterpreterTool, at)
    return HostedTool(
        kind=kind,
        dialect=NAME,
        native=native,
        at=at,
        instead=INSTEAD.get(kind, ""),
        max_calls=most,
    )
