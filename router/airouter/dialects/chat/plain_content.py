"""Contents that a server writes in pieces, told as the text that SDKs of OpenAI's expect.

Mistral's models that think write a list of texts and thoughts, whole and in each piece of a stream.
The thoughts become `reasoning_content`, the name that other servers have for them.

Source: Mistral's reference of its API, `ContentChunk`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.completion import (
    ContentPiece,
    WireMessage,
    message_text,
    message_thought,
)
from airouter.dialects.chat.usage import UsageHider, UsageReader
from airouter.dialects.forwarding import by_event, mendable
from airouter.dialects.raw_json import (
    ABSENT,
    RawFields,
    fields_of,
    is_silent,
    raw_json,
    rows_of,
    with_data,
)
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Iterable

LIST, SPACED_LIST = b'"content":[', b'"content": ['
"""Beginnings of a content in pieces; what a model says of one has its quotes escaped."""
SAYABLE = frozenset({"text", "thinking", "reference"})
"""Pieces that text can stand for: references are to what the client itself gave."""


class TypedPiece(ContentPiece):
    """A piece of a content."""

    type: str = "text"


_pieces = msgspec.json.Decoder(list[TypedPiece])


def is_in_pieces(data: bytes) -> bool:
    """Return whether a body, or events, may have a content in pieces."""
    return data.find(LIST) >= 0 or data.find(SPACED_LIST) >= 0


def with_plain_content(body: bytes) -> bytes:
    """Return a whole completion whose contents are text."""
    return with_plain_choices(body, "message") if is_in_pieces(body) else body


def with_plain_events(events: bytes) -> bytes:
    """Return whole events in which contents are text."""
    if events.count(b"[") > 1 and is_in_pieces(events):  # beside the list of choices
        return by_event(events, plain_event)
    return events


class PlainReader(UsageReader):
    """Forwards a stream with contents that are text."""

    __slots__ = ()

    def forward(self, events: bytes) -> None:
        super().forward(with_plain_events(events))


class PlainHider(UsageHider):
    """Forwards it without the usage event."""

    __slots__ = ()

    def forward(self, events: bytes) -> None:
        super().forward(with_plain_events(events))


def plain_event(event: bytes) -> bytes:
    """Return a chunk whose contents are text."""
    frame = mendable(event)
    if frame is None or not is_in_pieces(frame.data):
        return event
    return with_data(event, with_plain_choices(frame.data, "delta"))


def with_plain_choices(data: bytes, field: str) -> bytes:
    """Return a completion, whose messages stand in `field`, with contents that are text."""
    fields = fields_of(data)
    choices = [plain_choice(choice, field) for choice in rows_of(fields.get("choices", ABSENT))]
    return msgspec.json.encode(fields | {"choices": raw_json(choices)})


def plain_choice(raw: msgspec.Raw, field: str) -> msgspec.Raw:
    """Return a choice; the bytes of it where its content is text, or cannot be."""
    choice = fields_of(raw)
    said = fields_of(choice.get(field, raw_json({})))
    pieces = decoded_or_none(_pieces, said.get("content", ABSENT))
    if pieces is None or any(piece.type not in SAYABLE for piece in pieces):
        return raw
    return raw_json(choice | {field: raw_json(said | text_and_thought(said, pieces))})


def text_and_thought(said: RawFields, pieces: Iterable[TypedPiece]) -> RawFields:
    """Return the fields of a message that its pieces stand for."""
    message = WireMessage(content=list(pieces))
    text, thought = message_text(message), message_thought(message)
    told = {"content": raw_json(text)}
    if not text and not is_silent(said.get("tool_calls", ABSENT)):
        told["content"] = raw_json(None)
    if thought is not None:
        told["reasoning_content"] = raw_json(thought.text)
    return told
