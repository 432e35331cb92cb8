"""Calls and results of the tools that a client runs in a form of its own, as neutral ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.conversation import Text, ToolCall, ToolResult
from airouter.dialects.responses import schema
from airouter.dialects.responses.item_structs import as_struct
from airouter.dialects.responses.local_tools import NAMES
from airouter.failures import invalid_field

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json
    from airouter.dialects.responses.names import ToolNames

_encoder = msgspec.json.Encoder()


def local_call(item: Json, at: str, names: ToolNames) -> ToolCall:
    """Return a call as one of the function that stands for the tool. Raises `Failure` 400."""
    kind = item["type"]
    call: schema.LocalShellCall | schema.ShellCall | schema.PatchCall | schema.ToolSearchCall
    match kind:
        case "local_shell_call":
            call = as_struct(item, schema.LocalShellCall, at)
            asked: Any = call.action
        case "shell_call":
            call = as_struct(item, schema.ShellCall, at)
            asked = call.action
        case "tool_search_call":
            call = as_struct(item, schema.ToolSearchCall, at)
            asked = call.arguments
        case _:
            call = as_struct(item, schema.PatchCall, at)
            asked = call.operation
    return ToolCall(
        id=call.call_id,
        name=names.of(NAMES[kind], item=kind),
        arguments=_encoder.encode(asked).decode(),
        item_id=call.id,
    )


def local_result(item: Json, at: str) -> ToolResult:
    """Return the result of a call. Raises `Failure` 400."""
    match item["type"]:
        case "local_shell_call_output":
            shell = as_struct(item, schema.LocalShellOutput, at)
            id_ = shell.call_id or shell.id
            if id_ is None:
                raise invalid_field(f"{at}.call_id", f"'{at}' says not which call it is of.")
            return gave(id_, shell.output)
        case "shell_call_output":
            said = as_struct(item, schema.ShellOutput, at)
            return gave(said.call_id, _encoder.encode(said.output).decode())
        case "tool_search_output":
            search = as_struct(item, schema.ToolSearchOutput, at)
            return gave(search.call_id, found_tools(search.tools))
    patch = as_struct(item, schema.PatchOutput, at)
    return gave(patch.call_id, patch.output or patch.status, failed=patch.status == "failed")


def found_tools(tools: list[Json]) -> str:
    """Return the result of a search for the model, which is given the tools themselves."""
    names = ", ".join(str(tool.get("name")) for tool in tools)
    return f"These tools can be called now: {names}." if tools else "No tool was found."


def gave(call_id: str, text: str, *, failed: bool = False) -> ToolResult:
    """Return a result of one text."""
    return ToolResult(call_id=call_id, parts=(Text(text=text),), failed=failed)
