"""The length of an answer: what a client asks for, and what its model can write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from airouter.dialects.conversation import Conversation


def within(conversation: Conversation, most: int | None) -> Conversation:
    """Return a conversation that asks for no more tokens than its model can write, if that is told.

    Coding agents ask every model for what theirs can write, which others refuse.
    """
    asked = conversation.max_tokens
    if most is None or asked is None or asked <= most:
        return conversation
    return msgspec.structs.replace(conversation, max_tokens=most)
