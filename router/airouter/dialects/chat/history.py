"""The model's own messages in a request that passes through, made fit for whoever reads them next.

Clients send answers back with all that was in them, and another model may have given those. An
answer without a word has neither a content nor calls, which OpenAI refuses in a history; fields
that servers of open models have added, and this router, it refuses by name.

Source: the errors of OpenAI's API for such messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.call_ids import has_long_id, with_short_ids
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

Fields = dict[str, msgspec.Raw]

ADDED = frozenset(
    {
        "images",
        "provider_specific_fields",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "thinking_blocks",
    }
)
"""Fields of an answer that OpenAI does not have."""
SPOKEN = frozenset({"audio", "function_call", "refusal", "tool_calls"})
"""Fields that stand in place of a content."""
EMPTY = frozenset({b"null", b"[]"})
WITHOUT_CONTENT = (
    b'"content":null',
    b'"content": null',
    b'"tool_calls":[]',
    b'"tool_calls": []',
    b'"assistant"}',
)
"""Beginnings of what may be an answer without a word."""
ASSISTANT = b'"assistant"'
MARKS = (
    *WITHOUT_CONTENT,
    b'"images"',
    b'"provider_specific_fields"',
    b'"reasoning":"',
    b'"reasoning": "',
    b'"reasoning_content"',
    b'"reasoning_details"',
    b'"thinking_blocks"',
)

_fields = msgspec.json.Decoder(Fields)
_messages = msgspec.json.Decoder(list[msgspec.Raw])
_encoder = msgspec.json.Encoder()


def may_be_unreadable(body: bytes, *, short_ids: bool = False) -> bool:
    """Return False for a body in which no message needs to be mended, as nearly all are.

    With `short_ids` the ids of calls are bounded.
    """
    if body.find(ASSISTANT) < 0:  # as in every first turn
        return False
    return any(body.find(mark) >= 0 for mark in MARKS) or (short_ids and has_long_id(body))


def readable(body: bytes, refused: AbstractSet[str]) -> bytes:
    """Return a body whose history can be read by a server that refuses some fields of messages.

    One that does refuses long ids, too.
    """
    fields = _fields.decode(body)
    messages = decoded_or_none(_messages, fields.get("messages", msgspec.Raw(b"")))
    if messages is None:
        return body
    told = [readable_message(message, refused) for message in messages]
    if refused and has_long_id(body):
        told = [with_short_id(message) for message in told]
    fields["messages"] = msgspec.Raw(_encoder.encode(told))
    return _encoder.encode(fields)


def with_short_id(message: msgspec.Raw) -> msgspec.Raw:
    """Return one message, the bytes of it where its ids are short."""
    fields = decoded_or_none(_fields, message)
    short = None if fields is None else with_short_ids(fields)
    return message if short is None or short == fields else msgspec.Raw(_encoder.encode(short))


def readable_message(message: msgspec.Raw, refused: AbstractSet[str]) -> msgspec.Raw:
    """Return one message, the bytes of it where nothing was to be mended."""
    if not may_be_unreadable(bytes(message)):
        return message
    fields = decoded_or_none(_fields, message)
    if fields is None or bytes(fields.get("role", msgspec.Raw(b""))) != b'"assistant"':
        return message
    kept = {name: value for name, value in fields.items() if name not in refused}
    if is_empty(kept.get("tool_calls")):
        kept.pop("tool_calls", None)
    if is_empty(kept.get("content")) and all(is_empty(kept.get(name)) for name in SPOKEN):
        kept["content"] = msgspec.Raw(b'""')
    return message if kept == fields else msgspec.Raw(_encoder.encode(kept))


def is_empty(value: msgspec.Raw | None) -> bool:
    """Return whether a field says nothing, or is not there."""
    return value is None or bytes(value) in EMPTY
