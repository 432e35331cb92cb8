"""Which URLs a chat completions server wants as bytes: those of files, which it takes only so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.conversation import File

if TYPE_CHECKING:
    from airouter.dialects.conversation import Conversation


def fetches(conversation: Conversation) -> list[str]:
    """The URLs of files."""
    return [
        part.media.url
        for turn in conversation.turns
        for part in turn.parts
        if isinstance(part, File) and part.media.url is not None
    ]
