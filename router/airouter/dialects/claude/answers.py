"""An answer of Claude: which forms it cannot have, why it stops, and how a call in it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Unsupported

if TYPE_CHECKING:
    from airouter.dialects.conversation import Conversation, Json, Stop

CLAUDE_STOPS: dict[str | None, Stop] = {
    "end_turn": "end",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_calls",
    "model_context_window_exceeded": "context_window",
}
"""Reasons to stop that Messages and Converse both have; each adds some of its own."""

_encoder = msgspec.json.Encoder()


def check_answer(conversation: Conversation) -> None:
    """Raise `Unsupported` for an answer that is more than one text."""
    if conversation.n not in {None, 1}:
        raise Unsupported("n", "gives one answer at a time")
    if conversation.logprobs or conversation.top_logprobs:
        raise Unsupported("logprobs", "cannot return log probabilities")
    if conversation.audio is not None or set(conversation.modalities) - {"text"}:
        raise Unsupported("modalities", "answers in text only")


def arguments_text(given: Json | str | None) -> str:
    """Return the arguments of a call as JSON text; imitators of Anthropic may send text already."""
    if isinstance(given, str):
        return given or "{}"
    return _encoder.encode(given or {}).decode()
