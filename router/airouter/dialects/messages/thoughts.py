"""Thoughts in a request that passes through which Claude would refuse, and the request with them.

Another model thought so, and somebody else put it into Anthropic's words: without a signature, or
with one of that model.
"""

from __future__ import annotations

import re

import msgspec

from airouter.dialects.claude.signatures import HEAD, is_foreign
from airouter.untrusted import decoded_or_none

SIGNATURE = b'"signature"'
SEAL = re.compile(rb'\s*:\s*"([^"\\]{%d})' % HEAD)
"""The begin of a signature that is there, and that no escape hides."""


class TypedBlock(msgspec.Struct):
    """A block of a message, which may be signed."""

    type: str = ""
    signature: str | None = None
    data: object = None


class SentHistory(msgspec.Struct):
    """The messages of a request."""

    messages: list[msgspec.Raw] = []


class SentMessage(msgspec.Struct):
    """A message of blocks."""

    content: list[TypedBlock]


_history = msgspec.json.Decoder(SentHistory)
_message = msgspec.json.Decoder(SentMessage)


def has_refused_thoughts(body: bytes, *, to_claude: bool) -> bool:
    """Return whether a thought lacks its signature or, for Claude, has a foreign one.

    Most bodies are cleared by a look at their bytes.
    """
    if not may_be_refused(body, to_claude=to_claude):
        return False
    history = decoded_or_none(_history, body)
    return history is not None and any(
        may_be_refused(bytes(message), to_claude=to_claude)
        and is_refused(message, to_claude=to_claude)
        for message in history.messages
    )


def may_be_refused(text: bytes, *, to_claude: bool) -> bool:
    """Return False where no thought can be amiss: each has its type, its text and a signature."""
    signed = 0
    at = text.find(SIGNATURE)
    while at >= 0:
        signed += 1
        at += len(SIGNATURE)
        found = SEAL.match(text, at)
        if found is None or (to_claude and is_foreign(found[1].decode("ascii", "replace"))):
            return True
        at = text.find(SIGNATURE, at)
    hidden = to_claude and text.find(b'"redacted_thinking"') >= 0
    return hidden or text.count(b'"thinking"') // 2 > signed


def is_refused(message: msgspec.Raw, *, to_claude: bool) -> bool:
    """Return whether a message has a thought without a signature or, for Claude, a foreign one."""
    spoken = decoded_or_none(_message, message)
    return spoken is not None and any(
        is_amiss(block, to_claude=to_claude) for block in spoken.content
    )


def is_amiss(block: TypedBlock, *, to_claude: bool) -> bool:
    """Return whether a block is a thought that is refused."""
    if block.type == "thinking":
        return not block.signature or (to_claude and is_foreign(block.signature))
    if block.type == "redacted_thinking" and to_claude:
        return isinstance(block.data, str) and is_foreign(block.data)
    return False
