"""`count_tokens`: the body whose tokens Anthropic counts, and the number that it answers with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter import untrusted
from airouter.dialects.claude.sampling import SAMPLING
from airouter.dialects.messages.render_request import body_of
from airouter.interfaces import BrokenReply

if TYPE_CHECKING:
    from airouter.dialects.conversation import Conversation, Destination

NOT_COUNTED = ("max_tokens", "stream", "stop_sequences", "service_tier", "metadata", *SAMPLING)
"""Fields of a messages request that `count_tokens` refuses."""


class TokenCount(msgspec.Struct):
    """An answer of `count_tokens`."""

    input_tokens: int


_decoder = msgspec.json.Decoder(TokenCount)


def render_count(conversation: Conversation, destination: Destination) -> bytes:
    """Return the body whose tokens are to be counted. Raises `Unsupported`."""
    body = body_of(conversation, destination)
    for name in NOT_COUNTED:
        body.pop(name, None)
    return msgspec.json.encode(body)


def parse_count(body: bytes) -> int:
    """Return the tokens of a prompt. Raises `BrokenReply`."""
    message = "the upstream's answer has no number of tokens"
    return untrusted.decoded(_decoder, body, BrokenReply, message).input_tokens
