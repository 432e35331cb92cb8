"""The calls of messages that pass through: each gets an id of its own, and an input.

What needs no mending passes to the byte.
"""

from __future__ import annotations

import msgspec

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
from airouter.dialects.unique_ids import UniqueIds, new_call_id
from airouter.untrusted import decoded_or_none

CALL = b'"tool_use"'
"""In what may have calls; those that the provider answers itself have a name of their own."""
NO_INPUT = raw_json({})


class SaidBlock(msgspec.Struct):
    """A block, or its beginning."""

    type: str = ""
    id: str | None = None
    input: msgspec.Raw = ABSENT


class SaidMessage(msgspec.Struct):
    """A message."""

    content: list[SaidBlock] = []


class SaidEvent(msgspec.Struct):
    """An event, with a block if it begins one."""

    type: str = ""
    content_block: SaidBlock | None = None


_message = msgspec.json.Decoder(SaidMessage)
_event = msgspec.json.Decoder(SaidEvent)


def with_mended_calls(body: bytes) -> bytes:
    """Return a whole message whose calls can be answered."""
    message = decoded_or_none(_message, body) if body.find(CALL) >= 0 else None
    if message is None:
        return body
    ids = UniqueIds()
    changes = [changes_of(block, ids) for block in message.content]
    if not any(changes):
        return body
    fields = fields_of(body)
    blocks = zip(rows_of(fields["content"]), changes, strict=True)
    content = [raw_json(fields_of(block) | new) if new else block for block, new in blocks]
    return msgspec.json.encode(fields | {"content": raw_json(content)})


def changes_of(block: SaidBlock, ids: UniqueIds) -> RawFields:
    """Return the fields of a block that change."""
    if block.type != "tool_use":
        return {}
    changes: RawFields = {}
    id_ = ids.unique(block.id or new_call_id())
    if id_ != block.id:
        changes["id"] = raw_json(id_)
    if is_silent(block.input):
        changes["input"] = NO_INPUT
    return changes


class CallMender:
    """The calls of one stream."""

    __slots__ = ("_ids",)

    def __init__(self) -> None:
        self._ids = UniqueIds()

    def feed(self, events: bytes) -> bytes:
        """Return whole events for the client."""
        return by_event(events, self._mended)

    def _mended(self, event: bytes) -> bytes:
        frame = None if event.find(CALL) < 0 else mendable(event)
        told = None if frame is None else decoded_or_none(_event, frame.data)
        if frame is None or told is None or told.content_block is None:
            return event
        changes = changes_of(told.content_block, self._ids)
        if not changes:
            return event
        fields = fields_of(frame.data)
        block = raw_json(fields_of(fields["content_block"]) | changes)
        return with_data(event, msgspec.json.encode(fields | {"content_block": block}))
