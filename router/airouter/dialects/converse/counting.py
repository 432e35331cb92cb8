"""CountTokens, which takes a part of a Converse request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.converse.render_request import body_of

if TYPE_CHECKING:
    from airouter.dialects.conversation import Conversation, Destination

COUNTED = ("messages", "system", "toolConfig", "additionalModelRequestFields")


def render_count(conversation: Conversation, destination: Destination) -> bytes:
    """The body. Raises `Unsupported`."""
    body = body_of(conversation, destination)
    counted = {name: body[name] for name in COUNTED if name in body}
    return msgspec.json.encode({"input": {"converse": counted}})
