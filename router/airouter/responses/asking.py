"""What a request asks beyond what its model is to answer, read without decoding all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.responses import schema
from airouter.failures import invalid_field
from airouter.responses.sealed import ANY_MARK

if TYPE_CHECKING:
    from airouter.dialects.client_request import ClientRequest, Fields

OURS = frozenset({"previous_response_id", "conversation", "background", "context_management"})
"""Fields that say more than what the model is to answer."""
THEIRS = frozenset({"background", "context_management"})
"""Those of them that a provider does itself that keeps its responses."""
TRIGGER, REFERENCE = b'"compaction_trigger"', b'"item_reference"'
"""Looked for by `find`: Python's `in` takes four times as long for bytes in bytes."""
REQUEST = frozenset(schema.Request.__struct_fields__)

_text: msgspec.json.Decoder[str | None] = msgspec.json.Decoder(str | None)


def known_fields(fields: Fields) -> Fields:
    """Without what clients of sessions say beyond the API, which is none of a model's business."""
    if fields.keys() <= REQUEST:
        return fields
    return {name: fields[name] for name in fields if name in REQUEST}


def is_plain(request: ClientRequest) -> bool:
    """Whether a request goes on from nothing, carries nothing of ours, and wants an answer only."""
    body = request.body
    return (
        OURS.isdisjoint(request.fields)
        and body.find(ANY_MARK) < 0
        and body.find(TRIGGER) < 0
        and body.find(REFERENCE) < 0
    )


def wants_storing(fields: Fields) -> bool:
    """Whether a response may be kept: unless its client says no."""
    return "store" not in fields or bytes(fields["store"]) != b"false"


def text_in(fields: Fields, name: str) -> str | None:
    """A field that is a string, or absent. Raises `Failure` 400."""
    if name not in fields:
        return None
    try:
        return _text.decode(fields[name])
    except msgspec.ValidationError:
        raise invalid_field(name, f"'{name}' must be a string.") from None


class Named(msgspec.Struct):
    """A conversation, named by an object."""

    id: str


def conversation_in(fields: Fields) -> str | None:
    """The id of the conversation that a request belongs to. Raises `Failure` 400."""
    if "conversation" not in fields:
        return None
    try:
        given = msgspec.json.decode(fields["conversation"], type=str | Named | None)
    except msgspec.ValidationError:
        raise invalid_field("conversation", "'conversation' must be the id of one.") from None
    return given.id if isinstance(given, Named) else given
