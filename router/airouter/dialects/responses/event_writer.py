"""A writer for the events of a stream, which numbers them and keeps the items they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json

_encode = msgspec.json.Encoder().encode


class EventWriter:
    """Writes one event after the other; the last item that was added is the open one."""

    __slots__ = ("_sequence", "items", "seed")

    def __init__(self) -> None:
        self._sequence = 0
        self.seed = ""
        self.items: list[Json] = []

    def event(self, name: str, fields: Json) -> bytes:
        """Return one event."""
        body = {"type": name, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        return b"event: %b\ndata: %b\n\n" % (name.encode(), _encode(body))

    def add(self, item: Json) -> bytes:
        """Return the event that begins an item."""
        self.items.append(item)
        fields = {"output_index": len(self.items) - 1, "item": item}
        return self.event("response.output_item.added", fields)

    def finish(self, item: Json) -> bytes:
        """Return the event that ends the open item."""
        self.items[-1] = item
        fields = {"output_index": len(self.items) - 1, "item": item}
        return self.event("response.output_item.done", fields)

    def next_id(self, prefix: str) -> str:
        """Return the id of the item that is added next."""
        return item_id(prefix, self.seed, len(self.items))

    def where(self) -> Json:
        """Return the fields that point to the open item."""
        return {"item_id": self.items[-1]["id"], "output_index": len(self.items) - 1}


def item_id(prefix: str, seed: str, number: int) -> str:
    """Return an id that is the same in a whole response and in a stream."""
    return f"{prefix}_{seed}{number:04d}"
