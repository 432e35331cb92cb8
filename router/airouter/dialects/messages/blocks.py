"""Blocks of an answer, as read from a whole message and from a stream."""

from __future__ import annotations

from typing import Any

from airouter.dialects.claude.answers import CLAUDE_STOPS, arguments_text
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

NAME = "messages"
STOPS: dict[str | None, Stop] = CLAUDE_STOPS | {"pause_turn": "pause", "refusal": "refusal"}


def stop_of(reason: str | None) -> Stop:
    """Return why the model stopped; an unknown reason is an end as any other."""
    return STOPS.get(reason, "end")


def block_part(block: dict[str, Any], maker: str) -> Part:
    """Return the part that a whole block stands for; `Opaque` for one that only Anthropic knows."""
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
            arguments = arguments_text(block.get("input"))
            return ToolCall(
                id=block.get("id") or "", name=block.get("name") or "", arguments=arguments
            )
    return Opaque(dialect=NAME, native=block)
