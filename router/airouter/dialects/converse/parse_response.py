"""From a whole answer of Converse to ours."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Answer, Choice, ToolCall
from airouter.dialects.converse import schema
from airouter.dialects.converse.blocks import block_parts, parse_usage, stop_of
from airouter.interfaces import BrokenReply
from airouter.untrusted import decoded

if TYPE_CHECKING:
    from airouter.dialects.conversation import Destination

_decoder = msgspec.json.Decoder(schema.Response)


def parse_response(body: bytes, destination: Destination) -> Answer:
    """Return the answer. Raises `BrokenReply`, and `Failure` for a model that failed."""
    response = decoded(_decoder, body, BrokenReply, "the upstream's answer cannot be read")
    message = response.output.message if response.output else None
    if message is None:
        raise BrokenReply("the upstream's answer has no message")
    blocks = message.content or []
    parts = tuple(part for block in blocks for part in block_parts(block, destination.maker))
    called = any(isinstance(part, ToolCall) for part in parts)
    stop = stop_of(response.stop_reason, called=called)
    return Answer(
        id=answer_id(),
        model=destination.model,
        service_tier=response.service_tier.type if response.service_tier else None,
        usage=parse_usage(response.usage) if response.usage else None,
        choices=(Choice(parts=parts, stop=stop),),
    )


def answer_id() -> str:
    """Return a new id: Bedrock's answers have none in them."""
    return secrets.token_hex(12)
