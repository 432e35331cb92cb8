"""The model's own messages in a request that passes through, made fit for whoever reads them next.

Clients send answers back with all that was in them, and another model may have given those. An
answer without a word has neither a content nor calls, which OpenAI refuses in a history; fields
that servers of open models have added, and this router, it refuses by name.

Source: the errors of OpenAI's API for such messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.call_ids import with_fit_ids
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from airouter.dialects.upstream_api import IdRule

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


def may_be_unreadable(body: bytes, ids: IdRule | None = None) -> bool:
    """Return False for a body in which no message needs to be mended, as nearly all are."""
    if body.find(ASSISTANT) < 0:  # as in every first turn
        return False
    return any(body.find(mark) >= 0 for mark in MARKS) or has_unfit_id(body, ids)


def has_unfit_id(body: bytes, ids: IdRule | None) -> bool:
    """Return whether some id of a call is refused."""
    return ids is not None and ids.unfit.search(body) is not None


def readable(body: bytes, refused: AbstractSet[str], ids: IdRule | None) -> bytes:
    """Return a body whose history can be read by a server that refuses some fields and ids."""
    fields = _fields.decode(body)
    messages = decoded_or_none(_messages, fields.get("messages", msgspec.Raw(b"")))
    if messages is None:
        return body
    told = [readable_message(message, refused) for message in messages]
    if ids is not None and has_unfit_id(body, ids):
        told = [with_fit_id(message, ids) for message in told]
    fields["messages"] = msgspec.Raw(_encoder.encode(told))
    return _encoder.encode(fields)


def with_fit_id(message: msgspec.Raw, ids: IdRule) -> msgspec.Raw:
    """Return one message, the bytes of it where its ids are taken."""
    fields = decoded_or_none(_fields, message)
    fit = None if fields is None else with_fit_ids(fields, ids.fit)
    return message if fit is None or fit == fields else msgspec.Raw(_encoder.encode(fit))


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
