"""A request of the Responses API, read without decoding all of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.client_request import flag
from airouter.dialects.responses import schema
from airouter.dialects.spelling import ANY_MARK
from airouter.failures import invalid_field
from airouter.responses.compaction.threshold import threshold_in
from airouter.responses.item_ids import ID_END, names_items
from airouter.responses.items import input_items
from airouter.untrusted import holds

if TYPE_CHECKING:
    from airouter.dialects.client_request import Fields

OURS = frozenset({"previous_response_id", "conversation", "background", "context_management"})
"""Fields that say more than what the model is to answer."""
THEIRS = frozenset({"background", "context_management"})
"""Those of them that a provider does itself that keeps its responses."""
TRIGGER = b'"compaction_trigger"'
REQUEST = frozenset(schema.Request.__struct_fields__)

_text: msgspec.json.Decoder[str | None] = msgspec.json.Decoder(str | None)


class ConversationReference(msgspec.Struct):
    """A conversation, named by an object."""

    id: str


_conversation: msgspec.json.Decoder[str | ConversationReference | None] = msgspec.json.Decoder(
    str | ConversationReference | None
)


@dataclass(frozen=True)
class ResponsesRequest:
    """A request as its client sent it.

    Each field is read when it is first asked for, and once: what a provider does itself is for the
    provider to check. All of them raise `Failure` 400.
    """

    fields: Fields
    body: bytes

    @cached_property
    def is_plain(self) -> bool:
        """True for a request without history or sealed content that wants an answer alone."""
        body = self.body
        return (
            OURS.isdisjoint(self.fields)
            and not holds(body, ANY_MARK)
            and not holds(body, TRIGGER)
            and not (holds(body, ID_END) and names_items(self.items))
        )

    @property
    def may_store(self) -> bool:
        """True unless the client says that the response is not to be kept."""
        return "store" not in self.fields or bytes(self.fields["store"]) != b"false"

    @cached_property
    def items(self) -> bytes:
        """The input, without the brackets around it."""
        return input_items(self.fields.get("input"))

    @cached_property
    def previous(self) -> str | None:
        """The id of the response that it goes on from."""
        return string_field(self.fields, "previous_response_id")

    @cached_property
    def conversation(self) -> str | None:
        """The id of the conversation that it belongs to."""
        return conversation_field(self.fields)

    @cached_property
    def background(self) -> bool:
        """True where the client does not wait for the response."""
        return flag(self.fields, "background")

    @cached_property
    def compact_above(self) -> int | None:
        """The tokens above which a conversation is compacted; None for never."""
        return threshold_in(self.fields.get("context_management"))


def known_fields(fields: Fields) -> Fields:
    """Drop what clients of sessions say beyond the API, which is none of a model's business."""
    if fields.keys() <= REQUEST:
        return fields
    return {name: fields[name] for name in fields if name in REQUEST}


def string_field(fields: Fields, name: str) -> str | None:
    """Return a field that is a string, or absent. Raises `Failure` 400."""
    if name not in fields:
        return None
    try:
        return _text.decode(fields[name])
    except msgspec.ValidationError:
        raise invalid_field(name, f"'{name}' must be a string.") from None


def conversation_field(fields: Fields) -> str | None:
    """Return the id of the conversation that a request belongs to. Raises `Failure` 400."""
    if "conversation" not in fields:
        return None
    try:
        given = _conversation.decode(fields["conversation"])
    except msgspec.ValidationError:
        raise invalid_field("conversation", "'conversation' must be the id of one.") from None
    return given.id if isinstance(given, ConversationReference) else given
