"""CountTokens, which takes a part of a Converse request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter import untrusted
from airouter.dialects.converse.render_request import body_of
from airouter.interfaces import BrokenReply

if TYPE_CHECKING:
    from airouter.dialects.conversation import Conversation, Destination

COUNTED = ("messages", "system", "toolConfig", "additionalModelRequestFields")
"""Fields of a Converse request that CountTokens takes."""


class TokenCount(msgspec.Struct, rename="camel"):
    """An answer of CountTokens."""

    input_tokens: int


_decoder = msgspec.json.Decoder(TokenCount)


def render_count(conversation: Conversation, destination: Destination) -> bytes:
    """Return the body whose tokens are to be counted. Raises `Unsupported`."""
    body = body_of(conversation, destination)
    counted = {name: body[name] for name in COUNTED if name in body}
    return msgspec.json.encode({"input": {"converse": counted}})


def parse_count(body: bytes) -> int:
    """Return the tokens of a prompt. Raises `BrokenReply`."""
    message = "the upstream's answer has no number of tokens"
    return untrusted.decoded(_decoder, body, BrokenReply, message).input_tokens
