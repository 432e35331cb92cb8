"""`countTokens`, whose two forms differ in where the conversation stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.gemini.render_request import body_of
from airouter.interfaces import BrokenReply

if TYPE_CHECKING:
    from airouter.dialects.conversation import Conversation, Destination


def render_count(conversation: Conversation, destination: Destination) -> bytes:
    """The body at AI Studio."""
    request = {"model": f"models/{destination.model}", **body_of(conversation, destination)}
    return msgspec.json.encode({"generateContentRequest": request})


def render_vertex_count(conversation: Conversation, destination: Destination) -> bytes:
    """The body at Vertex AI."""
    body = body_of(conversation, destination)
    body.pop("toolConfig", None)
    return msgspec.json.encode(body)


def parse_count(body: bytes) -> int:
    """The answer of both. Raises `BrokenReply`."""
    try:
        return int(msgspec.json.decode(body)["totalTokens"])
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        raise BrokenReply("the upstream's answer has no number of tokens") from None
