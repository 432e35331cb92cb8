"""From the tools of a conversation to `tools` and `toolConfig` of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.conversation import HostedTool, Tool, Unsupported
from airouter.dialects.functions import schema_of
from airouter.dialects.gemini.json_schema import google_schema
from airouter.dialects.tools import (
    description_of,
    no_such_tool,
    wants_own_container,
    without_offers,
)

if TYPE_CHECKING:
    from airouter.dialects.conversation import Conversation, Json

MODES = {"auto": "AUTO", "required": "ANY", "none": "NONE"}
RESTRICTIONS = ("allowed_domains", "blocked_domains", "filters")
"""Fields that say where a search on the web may look; Google looks everywhere."""


def tool_entries(conversation: Conversation) -> list[Json]:
    """Return the functions in one entry, and the tools that Google runs. Raises `Unsupported`."""
    tools = without_offers(conversation)
    functions = [function_declaration(tool) for tool in tools if isinstance(tool, Tool)]
    hosted = [google_tool(tool) for tool in tools if isinstance(tool, HostedTool)]
    if functions and hosted:
        at = next(tool.at for tool in tools if isinstance(tool, HostedTool))
        raise Unsupported(at, "runs tools of its own only where there are no functions")
    return ([{"functionDeclarations": functions}] if functions else []) + hosted


def function_declaration(tool: Tool) -> Json:
    """Return a function."""
    schema = schema_of(tool) if tool.custom or tool.parameters else None
    function: Json = {"name": tool.name}
    description = description_of(tool)
    if description:
        function["description"] = description
    if schema:
        function["parametersJsonSchema"] = google_schema(schema)
    return function


def google_tool(tool: HostedTool) -> Json:
    """Return a tool that Google runs: search on the web, or code. Raises `Unsupported`."""
    if tool.kind.startswith("web_search"):
        unheeded = next((name for name in RESTRICTIONS if tool.native.get(name)), None)
        if unheeded is not None:
            raise Unsupported(tool.at, f"cannot be held to the '{unheeded}' of '{tool.kind}'")
        return {"googleSearch": {}}
    if tool.kind == "code_interpreter" and not wants_own_container(tool):
        return {"codeExecution": {}}
    raise no_such_tool(tool)


def tool_config(conversation: Conversation) -> Json | None:
    """Return the choice of a tool, if any."""
    choice = conversation.tool_choice
    if choice is None or not any(isinstance(tool, Tool) for tool in conversation.tools):
        return None
    mode = MODES[choice.mode]
    calling: Json = {"mode": mode}
    if choice.names:
        if mode == "AUTO":
            mode = calling["mode"] = "VALIDATED"
        calling["allowedFunctionNames"] = list(choice.names)
    return {"functionCallingConfig": calling}
