"""From the messages of a chat completion request to turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat import schema
from airouter.dialects.conversation import (
    Audio,
    CachePoint,
    File,
    Image,
    Media,
    Part,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)
from airouter.dialects.functions import arguments_as_text
from airouter.dialects.media import proper_base64, proper_type
from airouter.dialects.provenance import Unpacker, id_before
from airouter.failures import invalid_field

if TYPE_CHECKING:
    from collections.abc import Iterable

DATA_URL = "data:"
CACHED = (Text, Image, File, ToolCall)
"""Parts that may end what is worth keeping of a prompt."""


def turn_of(message: schema.ToolMessages, index: int, unpacker: Unpacker) -> Turn:
    """Return a message as a turn."""
    at = f"messages[{index}]"
    role: Role
    match message:
        case schema.ToolMessage():
            return Turn(role="user", parts=(result_of(message, at),), at=at)
        case schema.AssistantMessage():
            role, parts = "assistant", assistant_parts(message, at, unpacker)
        case schema.UserMessage():
            role, parts = "user", parts_of(message.content, at)
        case schema.SystemMessage():
            role, parts = "system", parts_of(message.content, at)
        case schema.DeveloperMessage():
            role, parts = "developer", parts_of(message.content, at)
    parts = with_cache(parts, cache_of(message.cache_control))
    return Turn(role=role, parts=parts, name=message.name, at=at)


def with_cache(parts: tuple[Part, ...], cache: CachePoint | None) -> tuple[Part, ...]:
    """Return parts with the cache point that stands beside the content: it is at its end."""
    if cache is None or not parts or not isinstance(parts[-1], CACHED):
        return parts
    return (*parts[:-1], msgspec.structs.replace(parts[-1], cache=cache))


def parts_of(
    content: str | Iterable[schema.UserPart | schema.AssistantPart], at: str
) -> tuple[Part, ...]:
    """Return the parts of a message's content."""
    if isinstance(content, str):
        return (Text(text=content),)
    return tuple(
        part_of(part, f"{at}.content[{index}]")
        for index, part in enumerate(content)
        if not isinstance(part, schema.ThoughtPart)
    )


def part_of(part: schema.UserPart | schema.TextPart | schema.RefusalPart, at: str) -> Part:
    """Return one part of a content."""
    match part:
        case schema.TextPart():
            return Text(text=part.text, cache=cache_of(part.cache_control))
        case schema.ImagePart(image_url=image):
            media = media_of(image.url, f"{at}.image_url.url")
            return Image(media=media, detail=image.detail, cache=cache_of(part.cache_control))
        case schema.FilePart():
            return file_of(part, f"{at}.file")
        case schema.AudioPart(input_audio=audio):
            return Audio(data=audio.data, format=audio.format)
        case schema.RefusalPart():
            return Refusal(text=part.refusal)


def file_of(part: schema.FilePart, at: str) -> File:
    """Return a file, which has either its content or its id."""
    given = part.file
    if (given.file_data is None) == (given.file_id is None):
        raise invalid_field(at, f"'{at}' needs one of 'file_data' and 'file_id'.")
    if given.file_data is None:
        media = Media(file_id=given.file_id)
    else:
        media = media_of(given.file_data, f"{at}.file_data")
    return File(media=media, name=given.filename, cache=cache_of(part.cache_control))


def media_of(url: str, at: str) -> Media:
    """Return the media of a URL, which may be a data URL (RFC 2397)."""
    if not url.startswith(DATA_URL):
        if "://" not in url[:32]:
            raise invalid_field(at, f"'{at}' must be a URL, or a data URL with base64.")
        return Media(url=url)
    head, comma, data = url.partition(",")
    media_type, _, encoding = head.removeprefix(DATA_URL).rpartition(";")
    if not comma or encoding != "base64" or not media_type:
        raise invalid_field(at, f"'{at}' must be a data URL as 'data:TYPE;base64,DATA'.")
    return Media(media_type=proper_type(media_type.split(";")[0]), data=proper_base64(data))


def assistant_parts(
    message: schema.AssistantMessage, at: str, unpacker: Unpacker
) -> tuple[Part, ...]:
    """Return an assistant's parts; its reasoning comes back in the ids of its calls."""
    parts: list[Part] = list(parts_of(message.content or (), at))
    if message.refusal:
        parts.append(Refusal(text=message.refusal))
    if message.audio is not None:
        parts.append(Audio(id=message.audio.id))
    for number, given in enumerate(message.tool_calls or ()):
        reasoning, call = call_of(given, f"{at}.tool_calls[{number}]", unpacker)
        if number == 0:  # the model thought before it said anything
            parts[:0] = reasoning
        else:
            parts.extend(reasoning)
        parts.append(call)
    return tuple(part for part in parts if not (isinstance(part, Text) and not part.text))


def call_of(given: schema.ToolCallPart, at: str, unpacker: Unpacker) -> tuple[list[Part], ToolCall]:
    """Return the reasoning before a call, and the call. Raises `Failure` 400."""
    id_, packed = unpacker.parts(given.id)
    reasoning: list[Part] = [part for part in packed if not isinstance(part, ToolCall)]
    signature = next((part.signature for part in packed if isinstance(part, ToolCall)), None)
    if given.custom is not None:
        name, arguments, custom = given.custom.name, given.custom.input, True
    elif given.function is not None:
        name, custom = given.function.name, False
        arguments = arguments_as_text(given.function.arguments)
    else:
        raise invalid_field(f"{at}.function", f"'{at}' is no call: it needs a 'function'.")
    call = ToolCall(id=id_, name=name, arguments=arguments, custom=custom, signature=signature)
    return reasoning, call


def result_of(message: schema.ToolMessage, at: str) -> ToolResult:
    """Return the result of a call."""
    parts = parts_of(message.content or "", at)
    return ToolResult(
        call_id=id_before(message.tool_call_id),
        parts=tuple(part for part in parts if isinstance(part, Text | Image | File)),
        cache=cache_of(message.cache_control),
    )


def cache_of(control: schema.Cache | None) -> CachePoint | None:
    """Return the cache point of a `cache_control`, as Anthropic has it."""
    if control is None:
        return None
    return CachePoint(ttl="1h" if control.get("ttl") == "1h" else None)
