"""From the input items of a Responses request to turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from airouter.dialects.chat.parse_turns import media_of
from airouter.dialects.checking import wrong_field
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
from airouter.dialects.provenance import unpack
from airouter.dialects.responses import schema
from airouter.failures import Failure, invalid_field, unreadable_content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.conversation import Json

T = TypeVar("T")


def turns_of(given: str | list[Json] | None) -> list[Turn]:
    """The turns of an input. Raises `Failure` 400."""
    if given is None or given == []:
        raise Failure(400, "Missing required parameter: 'input'.", param="input")
    if isinstance(given, str):
        return [Turn(role="user", parts=(Text(text=given),), at="input")]
    turns = [turn_of(item, f"input[{index}]") for index, item in enumerate(given)]
    return with_signatures([turn for turn in turns if turn.parts])


def turn_of(item: Json, at: str) -> Turn:
    """One item. Raises `Failure` 400 for one that only OpenAI's own models know."""
    match item.get("type", "message"):
        case "message":
            message = read(item, schema.Message, at)
            return Turn(
                role=message.role,
                parts=parts_of(message.content, at),
                id=message.id,
                phase=message.phase,
                at=at,
            )
        case "function_call":
            return said(function_call(read(item, schema.FunctionCall, at)), at)
        case "custom_tool_call":
            return said(custom_call(read(item, schema.CustomCall, at)), at)
        case "function_call_output" | "custom_tool_call_output" as kind:
            output = read(item, schema.CallOutput, at)
            return Turn(role="user", parts=(result(output, at, custom=kind[0] == "c"),), at=at)
        case "reasoning":
            return Turn(
                role="assistant", parts=reasoning(read(item, schema.ReasoningItem, at)), at=at
            )
        case "compaction":  # one of ours is opened before it comes here
            raise unreadable_content(at)
        case kind:
            what = f"'{at}' is an item of type '{str(kind)[:64]}', which this model does not know."
            raise Failure(400, what, param=at, code="unsupported_value")


def said(call: ToolCall, at: str) -> Turn:
    """A call as what the model says."""
    return Turn(role="assistant", parts=(call,), at=at)


def function_call(item: schema.FunctionCall) -> ToolCall:
    """A call of a function."""
    return ToolCall(
        id=item.call_id,
        name=item.name,
        arguments=item.arguments,
        item_id=item.id,
        namespace=item.namespace,
    )


def custom_call(item: schema.CustomCall) -> ToolCall:
    """A call of a custom tool."""
    return ToolCall(
        id=item.call_id,
        name=item.name,
        arguments=item.input,
        custom=True,
        item_id=item.id,
        namespace=item.namespace,
    )


def result(item: schema.CallOutput, at: str, *, custom: bool) -> ToolResult:
    """What a call gave."""
    parts = parts_of(item.output, at, "output")
    return ToolResult(
        call_id=item.call_id,
        parts=tuple(part for part in parts if isinstance(part, Text | Image | File)),
        custom=custom,
        item_id=item.id,
    )


def reasoning(item: schema.ReasoningItem) -> tuple[Part, ...]:
    """What was thought: what is packed in it, else only what may be read."""
    _, packed = unpack(item.encrypted_content or "")
    if packed:
        return tuple(packed)
    summary = tuple(part.text for part in item.summary or ())
    text = "\n\n".join(part.text for part in item.content or ())
    return (Reasoning(text=text, summary=summary, id=item.id),) if summary or text else ()


def with_signatures(turns: list[Turn]) -> list[Turn]:
    """Turns whose calls have the signatures that came packed in a reasoning item before them."""
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
            for part in turn.parts
            if not (isinstance(part, ToolCall) and part.signature is not None)
        )
        if parts:
            found.append(msgspec.structs.replace(turn, parts=parts))
    return found


def parts_of(
    content: str | Sequence[schema.Content], at: str, field: str = "content"
) -> tuple[Part, ...]:
    """The content of a message, or what a call gave."""
    if isinstance(content, str):
        return (Text(text=content),)
    return tuple(part_of(part, f"{at}.{field}[{index}]") for index, part in enumerate(content))


def part_of(part: schema.Content, at: str) -> Part:
    """One part of a content."""
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
    """Where a file is."""
    if part.file_data is not None:
        return media_of(part.file_data, f"{at}.file_data")
    if part.file_url is not None:
        return media_of(part.file_url, f"{at}.file_url")
    return by_id(part.file_id, at)


def by_id(file_id: str | None, at: str) -> Media:
    """What was uploaded before."""
    if file_id is None:
        raise invalid_field(at, f"'{at}' says not where its content is.")
    return Media(file_id=file_id)


def read(item: Any, kind: type[T], at: str) -> T:
    """An item as a struct. Raises `Failure` 400 with its path from the top."""
    try:
        return msgspec.convert(item, kind)
    except msgspec.ValidationError as error:
        failure = wrong_field(error)
    path = f"{at}.{failure.param}" if failure.param else at
    failure.message = f"'{path}': {failure.message}"
    failure.param = path
    raise failure
