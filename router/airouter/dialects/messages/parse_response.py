"""From a whole message of Anthropic's to an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Answer, Choice, Json, Part, Text, ToolCall
from airouter.dialects.messages.blocks import block_part, stop_of
from airouter.dialects.messages.counts import Counts, parse_usage
from airouter.dialects.messages.errors import failure_in
from airouter.dialects.messages.render_tools import ANSWER_TOOL
from airouter.dialects.stopping import stop_by_calls
from airouter.interfaces import BrokenReply
from airouter.untrusted import decoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.conversation import Destination, Stop


class WireMessage(msgspec.Struct):
    """A message, or an error in its place."""

    id: str | None = None
    model: str | None = None
    content: list[Json] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: Counts | None = None
    error: Json | None = None


_decoder = msgspec.json.Decoder(WireMessage)


def parse_response(body: bytes, destination: Destination) -> Answer:
    """Return the answer. Raises `BrokenReply`, and `Failure` for an error in a 200."""
    message = decoded(_decoder, body, BrokenReply, "the upstream's answer is no message")
    if message.error is not None:
        raise failure_in(message.error)
    if message.content is None:
        raise BrokenReply("the upstream's answer has no content")
    parts = [block_part(block, destination.maker) for block in message.content]
    parts, stop = structured(parts, stop_of(message.stop_reason))
    usage = message.usage
    return Answer(
        id=message.id or "",
        model=message.model or destination.model,
        service_tier=usage.service_tier if usage else None,
        usage=parse_usage(usage) if usage else None,
        choices=(Choice(parts=tuple(parts), stop=stop, stop_sequence=message.stop_sequence),),
    )


def structured(parts: Sequence[Part], stop: Stop) -> tuple[list[Part], Stop]:
    """Return parts in which a call of `ANSWER_TOOL` is text, and why the answer stopped."""
    found = [
        Text(text=part.arguments)
        if isinstance(part, ToolCall) and part.name == ANSWER_TOOL
        else part
        for part in parts
    ]
    called = any(isinstance(part, ToolCall) for part in found)
    return found, stop_by_calls(stop, called=called)
