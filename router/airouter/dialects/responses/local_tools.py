"""Tools that a client runs in a form of its own: its shell, its patches, its search for tools.

OpenAI's models know these by heart. Any other gets a function for each, and a call of it becomes
the item that the client waits for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from airouter.dialects.conversation import Json, Tool
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.dialects.conversation import ToolCall

STRINGS: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
COUNT: dict[str, Any] = {"type": "integer"}
STRING: dict[str, Any] = {"type": "string"}
OPERATIONS = ("create_file", "update_file", "delete_file")

_object = msgspec.json.Decoder(Json)


class LocalToolKind(NamedTuple):
    """A kind of these tools: its function, and its item."""

    item: str
    prefix: str
    """The beginning of the ids of its items."""
    description: str
    parameters: dict[str, Any]
    fields: Callable[[Any], dict[str, Any] | None]
    """Makes an item's own fields from the arguments of a call; None for unusable arguments."""
    unread: dict[str, Any]
    """An item's own fields for unusable arguments: nothing that could be run."""


def local_shell_fields(given: Json) -> Json | None:
    """Return a command, word by word; a whole line is left to a shell."""
    command = given.get("command")
    if isinstance(command, str):
        command = ["bash", "-lc", command]
    if not are_texts(command):
        return None
    env = given.get("env")
    action = {
        "type": "exec",
        "command": command,
        "env": {name: str(value) for name, value in env.items()} if isinstance(env, dict) else {},
        "timeout_ms": count_field(given, "timeout_ms"),
        "user": text_field(given, "user"),
        "working_directory": text_field(given, "working_directory"),
    }
    return {"action": action}


def shell_fields(given: Json) -> Json | None:
    """Return commands, line by line."""
    commands = given.get("commands")
    if isinstance(commands, str):
        commands = [commands]
    if not are_texts(commands):
        return None
    limits = {name: count_field(given, name) for name in ("timeout_ms", "max_output_length")}
    return {"action": {"commands": commands, **limits}}


def patch_fields(given: Json) -> Json | None:
    """Return a change of a file."""
    kind, path, diff = given.get("type"), given.get("path"), given.get("diff")
    if kind not in OPERATIONS or not isinstance(path, str):
        return None
    if kind == "delete_file":
        return {"operation": {"type": kind, "path": path}}
    return {"operation": {"type": kind, "path": path, "diff": diff}} if is_text(diff) else None


def search_fields(given: Json) -> Json:
    """Return a search, by whatever parameters the client declared."""
    return {"execution": "client", "arguments": given}


def is_text(value: object) -> bool:
    """Return True for a text."""
    return isinstance(value, str)


def are_texts(value: object) -> bool:
    """Return True for a list of texts that is not empty."""
    return isinstance(value, list) and bool(value) and all(map(is_text, value))


def count_field(given: Json, name: str) -> int | None:
    """Return a field that is a whole number; None for any other."""
    value = given.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text_field(given: Json, name: str) -> str | None:
    """Return a field that is a text; None for any other."""
    value = given.get(name)
    return value if isinstance(value, str) else None


KINDS: dict[str, LocalToolKind] = {
    "local_shell": LocalToolKind(
        item="local_shell_call",
        prefix="lsh",
        description="Runs one command on the user's machine and gives what it printed.",
        parameters={
            "type": "object",
            "properties": {
                "command": {**STRINGS, "description": "The program and its arguments."},
                "working_directory": STRING,
                "env": {"type": "object", "additionalProperties": STRING},
                "timeout_ms": COUNT,
            },
            "required": ["command"],
        },
        fields=local_shell_fields,
        unread={"action": {"type": "exec", "command": [], "env": {}}},
    ),
    "shell": LocalToolKind(
        item="shell_call",
        prefix="sh",
        description="Runs shell commands on the user's machine and gives what each printed.",
        parameters={
            "type": "object",
            "properties": {
                "commands": {**STRINGS, "description": "Command lines, run in this order."},
                "timeout_ms": COUNT,
                "max_output_length": {**COUNT, "description": "Characters of output to keep."},
            },
            "required": ["commands"],
        },
        fields=shell_fields,
        unread={"action": {"commands": []}},
    ),
    "apply_patch": LocalToolKind(
        item="apply_patch_call",
        prefix="apc",
        description=(
            "Creates, updates or deletes one file. 'diff' is in the V4A format, without file "
            "headers: hunks begin with '@@', each line with '+', '-' or a space; of a new file "
            "every line begins with '+'."
        ),
        parameters={
            "type": "object",
            "properties": {
                "type": {"type": "string", "enum": list(OPERATIONS)},
                "path": {"type": "string", "description": "Relative to the workspace."},
                "diff": {"type": "string", "description": "Not for delete_file."},
            },
            "required": ["type", "path"],
        },
        fields=patch_fields,
        unread={"operation": {"type": "update_file", "path": "", "diff": ""}},
    ),
    "tool_search": LocalToolKind(
        item="tool_search_call",
        prefix="tsc",
        description="Finds tools that are not there yet; those that it finds can be called.",
        parameters={"type": "object", "properties": {"query": STRING}, "required": ["query"]},
        fields=search_fields,
        unread=search_fields({}),
    ),
}
BY_ITEM = {kind.item: kind for kind in KINDS.values()}
NAMES = {kind.item: name for name, kind in KINDS.items()}


def local_tool(name: str, description: str | None = None, parameters: Json | None = None) -> Tool:
    """Return the function for a tool; a client may describe it in its own words."""
    kind = KINDS[name]
    return Tool(
        name=name,
        description=description or kind.description,
        parameters=parameters or kind.parameters,
        item=kind.item,
    )


def is_the_clients(item: Json) -> bool:
    """Return True for an item of a client: OpenAI may make a search for tools, too.

    The calls of a shell in a container of OpenAI, and their outputs, name it as their environment.
    """
    if str(item.get("type")).startswith("tool_search"):
        return item.get("execution") == "client"
    return runs_locally(item)


def runs_locally(native: Json) -> bool:
    """Return True for a client's shell, or a call of it, and not for one in a container."""
    environment = native.get("environment")
    return not isinstance(environment, dict) or environment.get("type") == "local"


def local_item(call: ToolCall, item: str, id_: str, status: str = "completed") -> Json:
    """Return a call as its client waits for it; a call that was cut off asks for nothing."""
    kind = BY_ITEM[item]
    fields = kind.fields(read_arguments(call))
    if fields is None:
        fields = kind.unread
        if status == "completed" and item != "apply_patch_call":  # which has no such status
            status = "incomplete"
    return {"id": id_, "type": item, "status": status, "call_id": call.id, **fields}


def read_arguments(call: ToolCall) -> Json:
    """Return the arguments as an object; an empty one where they cannot be read."""
    return decoded_or_none(_object, call.arguments) or {}
