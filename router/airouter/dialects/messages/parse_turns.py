"""From the messages of a messages request to turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.checking import wrong_field
from airouter.dialects.claude.signatures import is_foreign
from airouter.dialects.conversation import (
    CachePoint,
    File,
    Image,
    Media,
    Opaque,
    Part,
    Reasoning,
    Signature,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)
from airouter.dialects.functions import arguments_as_text
from airouter.dialects.media import proper_type
from airouter.dialects.messages import schema
from airouter.dialects.messages.billing import is_billing
from airouter.dialects.messages.citations import parse_citation
from airouter.dialects.messages.tool_changes import CHANGES
from airouter.dialects.messages.wording import said_in
from airouter.dialects.provenance import CLAUDE, Unpacker
from airouter.failures import invalid_field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.conversation import Json
    from airouter.failures import Failure

NAME = "messages"
UNKNOWN = "unknown"


def system_turns(system: str | list[schema.TextBlock] | None) -> list[Turn]:
    """Return the instructions that a request begins with."""
    if not system:
        return []
    blocks = [schema.TextBlock(system)] if isinstance(system, str) else system
    parts = tuple(
        Text(text=block.text, cache=cache_of(block.cache_control))
        for block in blocks
        if not is_billing(block.text)
    )
    return [Turn(role="system", parts=parts, at="system")]


def turn_of(message: schema.Message, index: int, unpacker: Unpacker) -> Turn:
    """Return the turn of one message. Raises `Failure` 400."""
    at = f"messages[{index}]"
    if isinstance(message.content, str):
        return Turn(role=message.role, parts=(Text(text=message.content),), at=at)
    parts: list[Part] = []
    for number, native in enumerate(message.content):
        if message.role == "system" and native.get("type") in CHANGES:
            continue
        parts.extend(parts_of(native, f"{at}.content[{number}]", unpacker))
    return Turn(role=message.role, parts=tuple(with_packed_signatures(parts)), at=at)


def parts_of(native: Json, at: str, unpacker: Unpacker) -> Sequence[Part]:
    """Return the parts of a block: several where another provider's are in it.

    Raises `Failure` 400.
    """
    kind = native.get("type")
    if isinstance(kind, str) and kind in schema.HOSTED:
        return [Opaque(dialect=NAME, native=native, said=said_in(native))]
    block = checked_block(native, at)
    match block:
        case schema.ThinkingBlock():
            return thought(block, unpacker)
        case schema.RedactedBlock():
            return redacted(block, unpacker)
        case schema.ToolResultBlock():
            return [parsed_result(block, at, unpacker)]
        case _:
            return [part_of(block, native)]


def checked_block(native: Json, at: str) -> schema.Block:
    """Return a block, its types checked. Raises `Failure` 400."""
    try:
        block: schema.Block = msgspec.convert(native, schema.Block)
    except msgspec.ValidationError as error:
        raise below(wrong_field(error), at) from None
    return block


def below(failure: Failure, at: str) -> Failure:
    """Return a failure in a part of a body, with its path from the top."""
    path = f"{at}.{failure.param}" if failure.param else at
    failure.message = f"'{path}': {failure.message}"
    failure.param = path
    return failure


def part_of(
    block: schema.TextBlock | schema.ImageBlock | schema.DocumentBlock | schema.ToolUseBlock,
    native: Json,
) -> Part:
    """Return the part of a block that is one."""
    cache = cache_of(block.cache_control)
    match block:
        case schema.TextBlock():
            citations = tuple(map(parse_citation, block.citations or ()))
            return Text(text=block.text, citations=citations, cache=cache)
        case schema.ImageBlock():
            return Image(media=media_of(block.source), cache=cache)
        case schema.DocumentBlock():
            return parsed_document(block, cache, native)
        case schema.ToolUseBlock():
            arguments = arguments_as_text(block.input)
            return ToolCall(id=block.id, name=block.name, arguments=arguments, cache=cache)


def parsed_document(block: schema.DocumentBlock, cache: CachePoint | None, native: Json) -> Part:
    """Return a document; one made of blocks stays as it is, for Anthropic alone."""
    if isinstance(block.source, schema.ContentSource):
        return Opaque(dialect=NAME, native=native, said=said_in(native))
    return File(
        media=media_of(block.source),
        name=block.title,
        context=block.context,
        cited=bool(block.citations and block.citations.enabled),
        cache=cache,
    )


def media_of(
    source: schema.Base64Source | schema.URLSource | schema.UploadedSource | schema.TextSource,
) -> Media:
    """Return the media of a source."""
    match source:
        case schema.Base64Source():
            return Media(media_type=proper_type(source.media_type), data=source.data)
        case schema.URLSource():
            return Media(url=source.url)
        case schema.UploadedSource():
            return Media(file_id=source.file_id)
        case schema.TextSource():
            return Media(media_type=source.media_type, text=source.data)


def thought(block: schema.ThinkingBlock, unpacker: Unpacker) -> list[Part]:
    """Return a thought of Claude's, or the reasoning of another provider that is packed in it."""
    given = block.signature or ""
    _, packed = unpacker.parts(given)
    # A mark of ours that cannot be unpacked is dropped: Anthropic would refuse it as a signature.
    if packed or given.startswith("__airouter"):
        return list(packed)
    signature = Signature(maker=maker_by(given), value=given) if given else None
    return [Reasoning(text=block.thinking, signature=signature)]


def redacted(block: schema.RedactedBlock, unpacker: Unpacker) -> list[Part]:
    """Return a thought that may not be shown, or reasoning of another provider packed in it."""
    _, packed = unpacker.parts(block.data)
    if packed:
        return list(packed)
    signature = Signature(maker=maker_by(block.data), value=block.data, redacted=True)
    return [Reasoning(signature=signature)]


def maker_by(signature: str) -> str:
    """Return who may have made a signature that a client brings: some Claude, or nobody known."""
    return UNKNOWN if is_foreign(signature) else CLAUDE


def with_packed_signatures(parts: list[Part]) -> list[Part]:
    """Return parts with the signatures of calls, which came packed in a block before each."""
    signatures = {
        part.id: part.signature
        for part in parts
        if isinstance(part, ToolCall) and part.signature is not None
    }
    if not signatures:
        return parts
    return [
        msgspec.structs.replace(part, signature=signatures.get(part.id))
        if isinstance(part, ToolCall)
        else part
        for part in parts
        if not (isinstance(part, ToolCall) and part.signature is not None)
    ]


def parsed_result(block: schema.ToolResultBlock, at: str, unpacker: Unpacker) -> ToolResult:
    """Return the result of a call. Raises `Failure` 400."""
    parts: list[Text | Image | File | Opaque] = []
    if isinstance(block.content, str):
        parts.append(Text(text=block.content))
    else:
        for number, native in enumerate(block.content or ()):
            place = f"{at}.content[{number}]"
            # Another result is not even looked into, for there may be one in that, and so on.
            nested = native.get("type") == "tool_result"
            for part in (None,) if nested else parts_of(native, place, unpacker):
                if not isinstance(part, Text | Image | File | Opaque):
                    raise invalid_field(place, f"'{place}' is no block for the result of a tool.")
                parts.append(part)
    return ToolResult(
        call_id=block.tool_use_id,
        parts=tuple(parts),
        failed=bool(block.is_error),
        cache=cache_of(block.cache_control),
    )


def cache_of(control: schema.CacheControl | None) -> CachePoint | None:
    """Return the point up to which the prompt is cached."""
    return None if control is None else CachePoint(ttl=control.ttl)
