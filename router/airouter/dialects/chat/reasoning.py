"""Reasoning that goes back to the model that made it, in the field that its server wrote it in.

Servers of open models want the thoughts that led to a call back beside it: DeepSeek and Kimi refuse
a call without them. Others refuse the very field, and each knows it by a name of its own. So the
name is the signature of a thought, and only a model that wrote one gets it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.conversation import Reasoning, Signature
from airouter.dialects.provenance import is_own

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.conversation import Json, Part

BESIDE = frozenset({"reasoning_content", "reasoning"})
INSIDE = "content"
"""The field in which Mistral writes thoughts, as pieces."""


def begun_thought(field: str, model: str) -> Reasoning:
    """Return an empty thought, with the field of its text as its signature."""
    return Reasoning(signature=Signature(maker=chat_maker(model), value=field))


def chat_maker(model: str) -> str:
    """Return the maker of a model's thoughts: the same model, whoever serves it."""
    return f"chat/{model}"


def add_thoughts(message: Json, parts: Sequence[Part], model: str) -> None:
    """Put the model's own thoughts into a message with the calls that they led to."""
    own: dict[str, list[str]] = {}
    for part in parts:
        match part:
            case Reasoning(signature=Signature() as sign) if is_own(sign, chat_maker(model)):
                own.setdefault(sign.value, []).append(part.text)
    for field, texts in own.items():
        thought = "\n\n".join(texts)
        if field in BESIDE:  # else a client made the signature up
            message[field] = thought
        elif field == INSIDE:
            message[INSIDE] = in_pieces(thought, message.get(INSIDE))


def in_pieces(thought: str, said: str | None) -> list[Json]:
    """Return a content as Mistral writes it."""
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": thought}]}
    return [thinking, {"type": "text", "text": said}] if said else [thinking]
