"""The events of a stream, numbered, and the items that they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json

_encode = msgspec.json.Encoder().encode


class EventWriter:
    """Writes one event after the other; the item that was added last is the one that is open."""

    __slots__ = ("_sequence", "items", "seed")

    def __init__(self) -> None:
        self._sequence = 0
        self.seed = ""
        self.items: list[Json] = []

    def event(self, name: str, fields: Json) -> bytes:
        """One event, whole."""
        body = {"type": name, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        return b"event: %b\ndata: %b\n\n" % (name.encode(), _encode(body))

    def add(self, item: Json) -> bytes:
        """A new item begins."""
        self.items.append(item)
        fields = {"output_index": len(self.items) - 1, "item": item}
        return self.event("response.output_item.added", fields)

    def finish(self, item: Json) -> bytes:
        """The item is whole."""
        self.items[-1] = item
        fields = {"output_index": len(self.items) - 1, "item": item}
        return self.event("response.output_item.done", fields)

    def next_id(self, prefix: str) -> str:
        """The id of the item that is added next."""
        return item_id(prefix, self.seed, len(self.items))

    def where(self) -> Json:
        """The item that is open."""
        return {"item_id": self.items[-1]["id"], "output_index": len(self.items) - 1}


def item_id(prefix: str, seed: str, number: int) -> str:
    """An id that is the same whole and in a stream."""
    return f"{prefix}_{seed}{number:04d}"
