"""Tools for providers that know only functions: a custom tool becomes one with an `input`."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.client_request import MOST_VALUES
from airouter.dialects.object_schema import object_schema
from airouter.untrusted import decoded_or_none, has_more_than

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json, Tool, ToolCall


class Wrapped(msgspec.Struct):
    """The arguments of the function that stands for a custom tool."""

    input: str = ""


class AnyObject(msgspec.Struct):
    """An object that is read for its form: its fields are passed over, and take no memory."""


INVALID = "INVALID_JSON"
"""The one field of arguments that could not be read, as Anthropic advises."""

_any_object = msgspec.json.Decoder(AnyObject)
_wrapped = msgspec.json.Decoder(Wrapped)
_text = msgspec.json.Decoder(str)
BEGUN = re.compile(r'\s*\{\s*"input"\s*:\s*"((?:[^"\\]++|\\(?:u[0-9a-fA-F]{4}|[^u]))*+)\Z')
"""The arguments of a custom tool that end inside its text."""


def schema_of(tool: Tool) -> Json:
    """Return the parameters of a tool, always those of an object."""
    if tool.custom:
        text = {"input": {"type": "string"}}
        return {"type": "object", "properties": text, "required": ["input"]}
    return object_schema(tool.parameters or {"type": "object", "properties": {}})


def raw_object(text: str) -> msgspec.Raw | None:
    """Return JSON as it stands where it is an object; None for what is none, or has too much in it.

    Decoded it would take thirty times its bytes, and what stands in a string of a body was not
    counted with the body's values.
    """
    if len(text) > MOST_VALUES and has_more_than(text.encode(), MOST_VALUES, MOST_VALUES):
        return None
    return None if decoded_or_none(_any_object, text) is None else msgspec.Raw(text)


def arguments_object(call: ToolCall) -> Json | msgspec.Raw:
    """Return the arguments of a call as an object.

    An answer that was cut leaves some that are none, and they come back with every later turn of
    the history: those are wrapped, as clients of messages get them.
    """
    if call.custom:
        return {"input": call.arguments}
    if not call.arguments.strip():
        return {}
    arguments = raw_object(call.arguments)
    return {INVALID: call.arguments} if arguments is None else arguments


def arguments_as_text(given: object) -> str:
    """Return the arguments in a history as text; some clients decode them, or have none."""
    if given is None:
        return ""
    return given if isinstance(given, str) else msgspec.json.encode(given).decode()


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
