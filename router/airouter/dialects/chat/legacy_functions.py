"""Functions as chat completions had them before tools, read as tools.

One function is called at a time, by its name alone: neither a call nor its result has an id, and a
call need not have a result. So each call gets an id by its place, the same in every turn, and an
empty result where none follows.

Source: OpenAI's reference of chat completions: `functions`, `function_call`, the role `function`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat import schema
from airouter.dialects.conversation import ToolChoice
from airouter.failures import Failure, invalid_field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Numbered = tuple[int, schema.ToolMessages]

SPOKEN = (schema.UserMessage, schema.AssistantMessage, schema.ToolMessage)
"""Messages before which a call must have its result; instructions may stand between."""


def check_functions(request: schema.Request) -> None:
    """Check the names of functions, and the choice of one. Raises `Failure` 400."""
    names: set[str] = set()
    for at, function in enumerate(request.functions or ()):
        if not function.name or function.name in names:
            field = f"functions[{at}].name"
            raise invalid_field(field, f"'{field}' must be a name that no other function has.")
        names.add(function.name)
    if names and request.tools:
        what = "'functions' and 'tools' cannot be used together."
        raise Failure(400, what, param="functions", code="mutually_exclusive_parameters")
    called = request.function_call
    if isinstance(called, schema.ToolName) and called.name not in names:
        what = f"'function_call' names no function: '{called.name[:64]}'."
        raise invalid_field("function_call", what)


def choice_of_function(request: schema.Request) -> ToolChoice | None:
    """Return the demand on a call."""
    match request.function_call:
        case schema.ToolName(name=name):
            return ToolChoice(mode="required", names=(name,))
        case "auto" | "none" as mode if request.functions:
            return ToolChoice(mode=mode)
    return None


def with_tool_calls(messages: Iterable[schema.Message]) -> Iterator[Numbered]:
    """Yield messages by their places, with calls of tools and results in place of functions'."""
    waiting: tuple[int, str] | None = None
    for at, message in enumerate(messages):
        if isinstance(message, schema.FunctionMessage):
            id_ = f"call_of_{message.name}" if waiting is None else waiting[1]
            waiting = None
            yield at, schema.ToolMessage(tool_call_id=id_, content=message.content)
            continue
        if waiting is not None and isinstance(message, SPOKEN):
            yield without_result(*waiting)
            waiting = None
        if isinstance(message, schema.AssistantMessage) and message.function_call is not None:
            waiting = at, f"call_function_{at}"
            call = schema.ToolCallPart(id=waiting[1], function=message.function_call)
            calls = [*(message.tool_calls or ()), call]
            yield at, msgspec.structs.replace(message, tool_calls=calls)
        else:
            yield at, message
    if waiting is not None:
        yield without_result(*waiting)


def without_result(at: int, id_: str) -> Numbered:
    """Return the result of a call that has none."""
    return at, schema.ToolMessage(tool_call_id=id_)
