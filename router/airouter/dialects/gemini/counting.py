"""`countTokens`, in which the conversation stands at another place for each of two services."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter import untrusted
from airouter.dialects.gemini.render_request import body_of
from airouter.interfaces import BrokenReply

if TYPE_CHECKING:
    from airouter.dialects.conversation import Conversation, Destination


class TokenCount(msgspec.Struct, rename="camel"):
    """An answer of `countTokens`."""

    total_tokens: int


_decoder = msgspec.json.Decoder(TokenCount)


def render_count(conversation: Conversation, destination: Destination) -> bytes:
    """Return the body for AI Studio, which counts a whole request."""
    request = {"model": f"models/{destination.model}", **body_of(conversation, destination)}
    return msgspec.json.encode({"generateContentRequest": request})


def render_vertex_count(conversation: Conversation, destination: Destination) -> bytes:
    """Return the body for Vertex AI, whose `countTokens` has no field for `toolConfig`."""
    body = body_of(conversation, destination)
    body.pop("toolConfig", None)
    return msgspec.json.encode(body)


def parse_count(body: bytes) -> int:
    """Return the tokens of a prompt, from either service. Raises `BrokenReply`."""
    message = "the upstream's answer has no number of tokens"
    return untrusted.decoded(_decoder, body, BrokenReply, message).total_tokens
