"""From turns to the messages of a messages request.

Blocks of a turn stay in their order, and a thought returns only to the model that signed it.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Any

from airouter.dialects.conversation import (
    CachePoint,
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
from airouter.dialects.functions import arguments_object, fitting_id
from airouter.dialects.messages.citations import render_citation
from airouter.dialects.provenance import is_own
from airouter.dialects.tools import is_record
from airouter.dialects.turns import INSTRUCTIONS, folded, without_blanks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airouter.dialects.conversation import Json, Media, Part, Turn

NAME = "messages"
CALL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
PDF = "application/pdf"


def system_blocks(turns: Sequence[Turn]) -> list[Json]:
    """Return the instructions that a conversation begins with."""
    return [block for turn in turns for block in texts_of(turn)]


def texts_of(turn: Turn) -> list[Json]:
    """Return the text of a turn as blocks."""
    return [
        {"type": "text", "text": part.text} | cache_control(part.cache)
        for part in without_blanks(turn.parts)
        if isinstance(part, Text)
    ]


def messages_of(turns: Sequence[Turn], maker: str) -> list[Json]:
    """Return the messages, without those that have no content."""
    messages = []
    for turn in turns:
        blocks = message_blocks(turn, maker)
        if blocks:
            role = "system" if turn.role == "developer" else turn.role
            messages.append({"role": role, "content": blocks})
    return messages


def placed(turns: Iterable[Turn]) -> list[Turn]:
    """Return turns with later instructions where Anthropic takes them.

    They stand after the user and before the model, or at the end; elsewhere the user says them.
    """
    spoken = (turn for turn in turns if turn.parts)
    runs = [list(run) for _, run in groupby(spoken, key=lambda turn: turn.role in INSTRUCTIONS)]
    found: list[Turn] = []
    for at, run in enumerate(runs):
        after_user = at > 0 and runs[at - 1][-1].role == "user"
        before_model = at + 1 == len(runs) or runs[at + 1][0].role == "assistant"
        found += run if after_user and before_model else folded(run)
    return found


def message_blocks(turn: Turn, maker: str) -> list[Json]:
    """Return the blocks of a message."""
    blocks = (message_block(part, turn, maker) for part in without_blanks(turn.parts))
    return [block for block in blocks if block is not None]


def message_block(part: Part, turn: Turn, maker: str) -> Json | None:  # noqa: PLR0911  # one each
    """Return a block, or None for a part that is not for this model. Raises `Unsupported`."""
    match part:
        case Text():
            return text_content(part, turn)
        case Image():
            return {"type": "image", "source": source_of(part.media, turn)} | cache_control(
                part.cache
            )
        case File():
            return document(part, turn)
        case Reasoning():
            return thinking(part, maker)
        case ToolCall():
            return call(part)
        case ToolResult():
            return result_block(part, turn, maker)
        case Refusal():
            return text_content(Text(text=part.text), turn) if part.text.strip() else None
        case Opaque(dialect="messages"):
            return part.native
        case _ if is_record(part, turn):
            return None
    raise Unsupported(turn.at, "cannot take one of its parts")


def text_content(part: Text, turn: Turn) -> Json:
    """Return text."""
    block: Json = {"type": "text", "text": part.text}
    if part.citations and turn.role == "assistant":
        native = [each for each in part.citations if each.dialect == NAME]
        if native:
            block["citations"] = [render_citation(each) for each in native]
    return block | cache_control(part.cache)


def thinking(part: Reasoning, maker: str) -> Json | None:
    """Return a thought of this model, or None for what another one thought."""
    if part.signature is None or not is_own(part.signature, maker):
        return None
    if part.signature.redacted:
        return {"type": "redacted_thinking", "data": part.signature.value}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature.value}


def call(part: ToolCall) -> Json:
    """Return a call of a tool."""
    block = {
        "type": "tool_use",
        "id": call_id(part.id),
        "name": part.name,
        "input": arguments_object(part),
    }
    return block | cache_control(part.cache)


def call_id(id_: str) -> str:
    """Return an id that Anthropic takes, one and the same for a call and its result."""
    return fitting_id(id_, CALL_ID, "toolu_")


def result_block(part: ToolResult, turn: Turn, maker: str) -> Json:
    """Return the result of a call."""
    inner = (message_block(each, turn, maker) for each in without_blanks(part.parts))
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": call_id(part.call_id)}
    content = [each for each in inner if each is not None]
    if content:
        block["content"] = content
    if part.failed:
        block["is_error"] = True
        block.setdefault("content", "The tool failed.")
    return block | cache_control(part.cache)


def document(part: File, turn: Turn) -> Json:
    """Return a document. Raises `Unsupported`."""
    media = part.media
    said = document_text(media)
    if said is not None:
        source: Json = {"type": "text", "media_type": "text/plain", "data": said}
    elif media.media_type in IMAGE_TYPES or media.media_type in {PDF, None}:
        source = source_of(media, turn)
    else:
        raise Unsupported(turn.at, f"cannot read a file of type {media.media_type}")
    block: Json = {"type": "document", "source": source}
    optional = {
        "title": part.name,
        "context": part.context,
        "citations": {"enabled": True} if part.cited else None,
    }
    block |= {name: value for name, value in optional.items() if value is not None}
    return block | cache_control(part.cache)


def source_of(media: Media, turn: Turn) -> Json:
    """Return the source of an image or a document. Raises `Unsupported`."""
    if media.data is not None:
        kind = media.media_type or ""
        if kind not in IMAGE_TYPES and kind != PDF:
            raise Unsupported(turn.at, f"cannot take {kind or 'data without a type'}")
        return {"type": "base64", "media_type": kind, "data": media.data}
    if media.url is not None:
        return {"type": "url", "url": media.url}
    return {"type": "file", "file_id": media.file_id}


def cache_control(cache: CachePoint | None) -> Json:
    """Return the field that says up to where the prompt is cached, if anywhere."""
    if cache is None:
        return {}
    control = {"type": "ephemeral"} | ({"ttl": cache.ttl} if cache.ttl else {})
    return {"cache_control": control}
