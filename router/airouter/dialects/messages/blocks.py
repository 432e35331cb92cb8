"""The blocks of an answer, read: what is common to a whole one and a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.conversation import (
    Opaque,
    Part,
    Reasoning,
    Signature,
    Stop,
    Text,
    ToolCall,
)
from airouter.dialects.messages.citations import parse_citation

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json

NAME = "messages"
STOPS: dict[str | None, Stop] = {
    "end_turn": "end",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "refusal": "refusal",
    "model_context_window_exceeded": "context_window",
}
_encoder = msgspec.json.Encoder()


def stop_of(reason: str | None) -> Stop:
    """Why it stopped; a word that nobody knows is an end as any other."""
    return STOPS.get(reason, "end")


def part_of(block: dict[str, Any], maker: str) -> Part:
    """A whole block."""
    match block.get("type"):
        case "text":
            citations = tuple(map(parse_citation, filter(None, block.get("citations") or ())))
            return Text(text=block.get("text") or "", citations=citations)
        case "thinking":
            given = block.get("signature")
            signature = Signature(maker=maker, value=given) if given else None
            return Reasoning(text=block.get("thinking") or "", signature=signature)
        case "redacted_thinking":
            value = block.get("data") or ""
            return Reasoning(signature=Signature(maker=maker, value=value, redacted=True))
        case "tool_use":
            arguments = arguments_of(block.get("input"))
            return ToolCall(
                id=block.get("id") or "", name=block.get("name") or "", arguments=arguments
            )
    return Opaque(dialect=NAME, native=block)


def arguments_of(given: Json | str | None) -> str:
    """Arguments as JSON, as which servers that imitate Anthropic's may write them already."""
    if isinstance(given, str):
        return given or "{}"
    return _encoder.encode(given or {}).decode()
