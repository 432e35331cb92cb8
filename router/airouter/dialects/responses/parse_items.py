"""From the input items of a Responses request to turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.parse_turns import media_of
from airouter.dialects.conversation import (
    Audio,
    File,
    Image,
    Media,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)
from airouter.dialects.provenance import Unpacker
from airouter.dialects.responses import schema
from airouter.dialects.responses.item_structs import as_struct
from airouter.dialects.responses.local_tools import is_the_clients
from airouter.dialects.responses.parse_local import local_call, local_result
from airouter.failures import Failure, invalid_field, unreadable_content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.conversation import Json
    from airouter.dialects.responses.names import ToolNames

UNSAID = frozenset(
    {
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "image_generation_call",
        "additional_tools",
        "configuration_update",
    }
)
"""Items to skip: their effect stands in the model's text, or in the settings."""
INSTEAD = {
    "computer_call": "leave it out, and give the model a function that your application runs",
    "mcp_": "leave it out, and give the tools of the MCP server as functions",
    "tool_search": "leave it out, and give all tools in 'tools'",
    "program": "leave it out, and let the model call the functions themselves",
    "item_reference": "give the item itself, or go on by 'previous_response_id'",
    "compaction_trigger": "ask for '/v1/responses/compact'",
}
"""Advice for clients, by the beginning of an item's type."""


def turns_of(given: str | list[Json] | None, names: ToolNames) -> list[Turn]:
    """Return the turns of an input. Raises `Failure` 400."""
    if given is None or given == []:
        raise Failure(400, "Missing required parameter: 'input'.", param="input")
    if isinstance(given, str):
        return [Turn(role="user", parts=(Text(text=given),), at="input")]
    unpacker = Unpacker()
    turns = [turn_of(item, f"input[{index}]", names, unpacker) for index, item in enumerate(given)]
    found = with_signatures([turn for turn in turns if turn is not None and turn.parts])
    if not found:
        raise invalid_field("input", "'input' has nothing in it for this model to answer.")
    return without_stray_thoughts(answered_by_call_id(found))


def turn_of(  # noqa: PLR0911  # one for each
    item: Json, at: str, names: ToolNames, unpacker: Unpacker
) -> Turn | None:
    """Return the turn of an item; None for one to skip. Raises `Failure` 400 for an unknown one."""
    match str(item.get("type", "message")):
        case "message":
            message = as_struct(item, schema.Message, at)
            return Turn(
                role=message.role,
                parts=parts_of(message.content, at),
                id=message.id,
                phase=message.phase,
                at=at,
            )
        case "function_call" | "custom_tool_call":
            return Turn(role="assistant", parts=(call_of(item, at, names),), at=at)
        case "local_shell_call" | "shell_call" | "apply_patch_call" | "tool_search_call" if (
            is_the_clients(item)
        ):
            return Turn(role="assistant", parts=(local_call(item, at, names),), at=at)
        case "function_call_output" | "custom_tool_call_output" as kind:
            output = as_struct(item, schema.CallOutput, at)
            return Turn(role="user", parts=(result(output, at, custom=kind[0] == "c"),), at=at)
        case (
            "local_shell_call_output"
            | "shell_call_output"
            | "apply_patch_call_output"
            | "tool_search_output"
        ) if is_the_clients(item):
            return Turn(role="user", parts=(local_result(item, at),), at=at)
        case "reasoning":
            thought = as_struct(item, schema.ReasoningItem, at)
            return Turn(role="assistant", parts=reasoning(thought, unpacker), at=at)
        case "compaction":  # one of ours is opened before it comes here
            raise unreadable_content(at)
        case kind if kind not in UNSAID:
            raise unknown_item(kind, at)
    return None


def unknown_item(kind: str, at: str) -> Failure:
    """Return the `Failure` for an item that only OpenAI's own models know."""
    instead = next((words for begin, words in INSTEAD.items() if kind.startswith(begin)), None)
    what = f"'{at}' is an item of type '{kind[:64]}', which this model does not know"
    what = f"{what}: {instead}." if instead else f"{what}."
    return Failure(400, what, param=at, code="unsupported_value")


def call_of(item: Json, at: str, names: ToolNames) -> ToolCall:
    """Return a call of a function, or of a custom tool."""
    call: schema.CustomCall | schema.FunctionCall
    if item["type"] == "custom_tool_call":
        call = custom = as_struct(item, schema.CustomCall, at)
        arguments = custom.input
    else:
        call = function = as_struct(item, schema.FunctionCall, at)
        arguments = function.arguments
    return ToolCall(
        id=call.call_id,
        name=names.of(call.name, call.namespace),
        arguments=arguments,
        custom=item["type"] == "custom_tool_call",
        item_id=call.id,
        namespace=call.namespace,
    )


def result(item: schema.CallOutput, at: str, *, custom: bool) -> ToolResult:
    """Return the result of a call."""
    parts = parts_of(item.output, at, "output")
    return ToolResult(
        call_id=item.call_id,
        parts=tuple(part for part in parts if isinstance(part, Text | Image | File)),
        custom=custom,
        item_id=item.id,
    )


def reasoning(item: schema.ReasoningItem, unpacker: Unpacker) -> tuple[Part, ...]:
    """Return the parts that are packed in a reasoning, else its readable text."""
    _, packed = unpacker.parts(item.encrypted_content or "")
    if packed:
        return tuple(packed)
    summary = tuple(part.text for part in item.summary or ())
    text = "\n\n".join(part.text for part in item.content or ())
    return (Reasoning(text=text, summary=summary, id=item.id),) if summary or text else ()


def with_signatures(turns: list[Turn]) -> list[Turn]:
    """Return turns whose calls have the signatures that came in reasoning items before them."""
    signatures = {
        part.id: part.signature
        for turn in turns
        for part in turn.parts
        if isinstance(part, ToolCall) and part.signature is not None
    }
    if not signatures:
        return turns
    found = []
    for turn in turns:
        parts = tuple(
            msgspec.structs.replace(part, signature=signatures.get(part.id))
            if isinstance(part, ToolCall)
            else part
            for part in turn.parts  # a call with a signature is what was packed, not a call
            if not (isinstance(part, ToolCall) and part.signature is not None)
        )
        if parts:
            found.append(msgspec.structs.replace(turn, parts=parts))
    return found


def answered_by_call_id(turns: list[Turn]) -> list[Turn]:
    """Return turns whose results name calls by `call_id`, where clients gave items' ids."""
    calls = [part for turn in turns for part in turn.parts if isinstance(part, ToolCall)]
    known = {call.id for call in calls}
    ids = {call.item_id: call.id for call in calls if call.item_id and call.item_id not in known}
    return [
        msgspec.structs.replace(
            turn,
            parts=tuple(
                msgspec.structs.replace(part, call_id=ids[part.call_id])
                if isinstance(part, ToolResult) and part.call_id in ids
                else part
                for part in turn.parts
            ),
        )
        for turn in turns
    ]


def without_stray_thoughts(turns: list[Turn]) -> list[Turn]:
    """Return turns without thoughts that nothing followed: no provider takes these back."""
    found: list[Turn] = []
    spoken = False
    for turn in reversed(turns):
        thought = all(isinstance(part, Reasoning) for part in turn.parts)
        if not thought:
            spoken = turn.role == "assistant"
        if spoken or not thought:
            found.append(turn)
    return found[::-1]


def parts_of(
    content: str | Sequence[schema.Content], at: str, field: str = "content"
) -> tuple[Part, ...]:
    """Return the parts of a message, or of a result."""
    if isinstance(content, str):
        return (Text(text=content),)
    return tuple(part_of(part, f"{at}.{field}[{index}]") for index, part in enumerate(content))


def part_of(part: schema.Content, at: str) -> Part:
    """Return one part of a content."""
    match part:
        case schema.InputImage():
            if part.image_url is not None:
                media = media_of(part.image_url, f"{at}.image_url")
            else:
                media = by_id(part.file_id, at)
            return Image(media=media, detail=part.detail)
        case schema.InputFile():
            return File(media=file_media(part, at), name=part.filename)
        case schema.InputAudio(input_audio=sound):
            return Audio(data=sound.data, format=sound.format)
        case schema.RefusalPart():
            return Refusal(text=part.refusal)
    return Text(text=part.text)


def file_media(part: schema.InputFile, at: str) -> Media:
    """Return the media of a file."""
    if part.file_data is not None:
        return media_of(part.file_data, f"{at}.file_data")
    if part.file_url is not None:
        return media_of(part.file_url, f"{at}.file_url")
    return by_id(part.file_id, at)


def by_id(file_id: str | None, at: str) -> Media:
    """Return the media of an uploaded file."""
    if file_id is None:
        raise invalid_field(at, f"'{at}' says not where its content is.")
    return Media(file_id=file_id)
