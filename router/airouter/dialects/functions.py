"""Tools for providers that know only functions: a custom tool becomes one with an `input`."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Json
from airouter.failures import invalid_field
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from airouter.dialects.conversation import Tool, ToolCall, Turn


class Wrapped(msgspec.Struct):
    """The arguments of the function that stands for a custom tool."""

    input: str = ""


_object = msgspec.json.Decoder(Json)
_wrapped = msgspec.json.Decoder(Wrapped)
_text = msgspec.json.Decoder(str)
BEGUN = re.compile(r'\s*\{\s*"input"\s*:\s*"((?:[^"\\]++|\\(?:u[0-9a-fA-F]{4}|[^u]))*+)\Z')
"""The arguments of a custom tool that end inside its text."""


def schema_of(tool: Tool) -> Json:
    """Return the parameters of a tool, always those of an object."""
    if tool.custom:
        text = {"input": {"type": "string"}}
        return {"type": "object", "properties": text, "required": ["input"]}
    schema = tool.parameters or {"type": "object", "properties": {}}
    return schema if "type" in schema else {"type": "object", **schema}


def arguments_object(call: ToolCall, turn: Turn) -> Json:
    """Return the arguments of a call as an object. Raises `Failure` 400 that names the turn."""
    if call.custom:
        return {"input": call.arguments}
    if not call.arguments.strip():
        return {}
    arguments = decoded_or_none(_object, call.arguments)
    if arguments is None:
        what = f"'{turn.at}' has a tool call whose arguments are no JSON object: '{call.id[:64]}'."
        raise invalid_field(turn.at, what)
    return arguments


def custom_input(arguments: str) -> str:
    """Return the input of a custom tool; all arguments where the model ignored the schema.

    Of arguments that were cut off, it is the text as far as it came.
    """
    wrapped = decoded_or_none(_wrapped, arguments)
    if wrapped is not None:
        return wrapped.input
    begun = BEGUN.match(arguments)
    text = None if begun is None else decoded_or_none(_text, f'"{begun[1]}"')
    return arguments if text is None else text


def fitting_id(id_: str, allowed: re.Pattern[str], prefix: str) -> str:
    """Return an id that a provider takes, the same for a call and its result."""
    if allowed.fullmatch(id_):
        return id_
    return prefix + hashlib.sha256(id_.encode()).hexdigest()[:32]
