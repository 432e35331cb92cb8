"""What a URL in a conversation points to, put in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import File, Image, ToolResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.dialects.conversation import Conversation, Media, Part, Turn


def inlined(conversation: Conversation, fetched: Mapping[str, Media]) -> Conversation:
    """The conversation with the content of every URL that is in `fetched`."""
    if not fetched:
        return conversation
    turns = tuple(with_parts(turn, fetched) for turn in conversation.turns)
    return msgspec.structs.replace(conversation, turns=turns)


def with_parts(turn: Turn, fetched: Mapping[str, Media]) -> Turn:
    """A turn with what its parts point to."""
    parts = tuple(inlined_part(part, fetched) for part in turn.parts)
    return msgspec.structs.replace(turn, parts=parts)


def inlined_part(part: Part, fetched: Mapping[str, Media]) -> Part:
    """A part with what it points to."""
    match part:
        case Image() | File() if part.media.url is not None and part.media.url in fetched:
            return msgspec.structs.replace(part, media=fetched[part.media.url])
        case ToolResult():
            parts = tuple(inlined_part(each, fetched) for each in part.parts)
            return msgspec.structs.replace(part, parts=parts)
    return part
