"""From turns to the messages of a chat completion request."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from airouter.dialects.chat.call_ids import short_id
from airouter.dialects.chat.reasoning import add_thoughts
from airouter.dialects.conversation import (
    Audio,
    File,
    Image,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Unsupported,
)
from airouter.dialects.documents import document_text
from airouter.dialects.tools import is_record
from airouter.dialects.turns import joined_text, joined_turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airouter.dialects.conversation import Json, Media, Part, Turn


def messages_of(turns: Iterable[Turn], model: str) -> list[Json]:
    """Return the messages. Raises `Unsupported` for parts that chat completions do not have."""
    messages: list[Json] = []
    for speaks, run in groupby(turns, key=lambda turn: turn.role == "assistant"):
        together = list(run)
        messages += assistant(joined_turn(together), model) if speaks else heard(together)
    return messages


def heard(turns: Sequence[Turn]) -> Iterator[Json]:
    """Yield the messages between two of the model: first the results of its calls.

    Images and files cannot stand there: they are shown by the user, after the last of the results.
    """
    shown: list[Json] = []
    for turn in turns:
        for part in turn.parts:
            if isinstance(part, ToolResult):
                given = [piece(each, turn) for each in part.parts]
                yield tool_message(part, given)
                shown += [each for each in given if each["type"] != "text"]
    for turn in turns:
        rest = [part for part in turn.parts if not isinstance(part, ToolResult)]
        if rest and shown and turn.role == "user":
            said = shown + [piece(part, turn) for part in rest]
            yield with_name(turn, {"role": "user", "content": said})
            shown = []
        elif rest:
            yield with_name(turn, {"role": turn.role, "content": message_content(rest, turn)})
    if shown:
        yield {"role": "user", "content": shown}


def assistant(turn: Turn, model: str) -> Iterator[Json]:
    """Yield the model's message; reasoning of other models is left out."""
    message: Json = {"role": "assistant"}
    said = [part for part in turn.parts if isinstance(part, Text) and part.text]
    calls = [call(part) for part in turn.parts if isinstance(part, ToolCall)]
    refusal = "".join(part.text for part in turn.parts if isinstance(part, Refusal))
    for part in turn.parts:
        if isinstance(part, Audio) and part.id:
            message["audio"] = {"id": part.id}
        elif not (isinstance(part, Text | ToolCall | Refusal | Reasoning) or is_record(part, turn)):
            raise unknown_part(turn)
    if said:
        message["content"] = "".join(part.text for part in said)
    if refusal:
        message["refusal"] = refusal
    if calls:
        message["tool_calls"] = calls
        add_thoughts(message, turn.parts, model)
    if len(message) > 1:
        yield with_name(turn, message)


def call(part: ToolCall) -> Json:
    """Return a call of a tool."""
    id_ = short_id(part.id)
    if part.custom:
        return {
            "id": id_,
            "type": "custom",
            "custom": {"name": part.name, "input": part.arguments},
        }
    function = {"name": part.name, "arguments": part.arguments or "{}"}  # which must be JSON
    return {"id": id_, "type": "function", "function": function}


def tool_message(part: ToolResult, given: Sequence[Json]) -> Json:
    """Return the result of a call, as text."""
    text = "\n\n".join(each["text"] for each in given if each["type"] == "text" and each["text"])
    if part.failed:
        text = f"Error: {text}"
    return {"role": "tool", "tool_call_id": short_id(part.call_id), "content": text}


def message_content(parts: Sequence[Part], turn: Turn) -> str | list[Json]:
    """Return the content of a message: a string where it is one text."""
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    if turn.role != "user":
        return joined_text(parts)
    return [piece(part, turn) for part in parts]


def piece(part: Part, turn: Turn) -> Json:
    """Return one part of a content."""
    match part:
        case Text(text=text) | Opaque(said=str(text)):
            return {"type": "text", "text": text}
        case Image():
            image: Json = {"url": url_of(part.media, turn)}
            if part.detail:
                image["detail"] = part.detail
            return {"type": "image_url", "image_url": image}
        case File():
            return file(part, turn)
        case Audio(data=str()):
            return {
                "type": "input_audio",
                "input_audio": {"data": part.data, "format": part.format or "wav"},
            }
    raise unknown_part(turn)


def file(part: File, turn: Turn) -> Json:
    """Return a document; one of plain text becomes a text."""
    if part.cited:
        raise Unsupported(turn.at, "cannot cite documents")
    media = part.media
    said = document_text(media)
    if said is not None:
        title = f"{part.name}:\n" if part.name else ""
        return {"type": "text", "text": title + said}
    if media.file_id is not None:
        return {"type": "file", "file": {"file_id": media.file_id}}
    name = part.name or "document.pdf"
    return {"type": "file", "file": {"filename": name, "file_data": url_of(media, turn)}}


def url_of(media: Media, turn: Turn) -> str:
    """Return the URL of media, which may be a data URL."""
    if media.url is not None:
        return media.url
    if media.data is None:
        raise Unsupported(turn.at, "does not know files of another provider")
    return f"data:{media.media_type};base64,{media.data}"


def with_name(turn: Turn, message: Json) -> Json:
    """Return the message with its author's name."""
    if turn.name:
        message["name"] = turn.name
    return message


def unknown_part(turn: Turn) -> Unsupported:
    """Return the error for a part that chat completions do not have."""
    return Unsupported(turn.at, "cannot take one of its parts")
