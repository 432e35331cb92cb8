"""Thinking blocks without a signature in a request that passes through: Claude refuses them.

Another model thought so, and somebody else put it into Anthropic's words.
"""

from __future__ import annotations

import msgspec

from airouter.untrusted import decoded_or_none


class TypedBlock(msgspec.Struct):
    """A block of a message, which may be signed."""

    type: str = ""
    signature: str | None = None


class SentHistory(msgspec.Struct):
    """The messages of a request."""

    messages: list[msgspec.Raw] = []


class SentMessage(msgspec.Struct):
    """A message of blocks."""

    content: list[TypedBlock]


_history = msgspec.json.Decoder(SentHistory)
_message = msgspec.json.Decoder(SentMessage)


def has_unsigned_thoughts(body: bytes) -> bool:
    """Return whether a thinking block lacks its signature. Most bodies are cleared by counting."""
    if not may_have_unsigned(body):
        return False
    history = decoded_or_none(_history, body)
    return history is not None and any(
        may_have_unsigned(bytes(message)) and is_unsigned(message) for message in history.messages
    )


def may_have_unsigned(text: bytes) -> bool:
    """Return whether there are fewer signatures than thoughts, each of which has type and text."""
    empty = text.find(b'"signature":""') >= 0 or text.find(b'"signature": ""') >= 0
    missing = text.find(b'"signature":null') >= 0 or text.find(b'"signature": null') >= 0
    return empty or missing or text.count(b'"thinking"') // 2 > text.count(b'"signature"')


def is_unsigned(message: msgspec.Raw) -> bool:
    """Return whether a message has a thought without a signature."""
    spoken = decoded_or_none(_message, message)
    return spoken is not None and any(
        block.type == "thinking" and not block.signature for block in spoken.content
    )
