"""A writer for the events of a stream, which numbers them and keeps the items they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json

NEVER_CUT = frozenset(
    {"apply_patch_call", "image_generation_call", "web_search_call", "code_interpreter_call"}
)
"""Items that are there whole or not at all, or that have no such status."""

_encode = msgspec.json.Encoder().encode


CALLS = frozenset({"function_call", "custom_tool_call"})


class EventWriter:
    """Writes one event after the other; the last item that was added is the open one."""

    __slots__ = ("_ending", "_sequence", "items", "seed")

    def __init__(self) -> None:
        self._sequence = 0
        self.seed = ""
        self.items: list[Json] = []
        self._ending = False
        """The last item is over, which is told once it is known whether it was cut off."""

    def event(self, name: str, fields: Json) -> bytes:
        """Return one event."""
        body = {"type": name, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        return b"event: %b\ndata: %b\n\n" % (name.encode(), _encode(body))

    def add(self, item: Json) -> bytes:
        """Return the event that begins an item: the one before is whole."""
        ended = self.settle()
        self.items.append(item)
        fields = {"output_index": len(self.items) - 1, "item": item}
        return ended + self.event("response.output_item.added", fields)

    def finish(self, item: Json) -> bytes:
        """Return the event that ends the open item."""
        self.items[-1] = item
        fields = {"output_index": len(self.items) - 1, "item": item}
        return self.event("response.output_item.done", fields)

    def end(self, item: Json) -> None:
        """Take the open item as it ended; `settle` tells it."""
        self.items[-1] = item
        self._ending = True

    def settle(self, *, cut: bool = False) -> bytes:
        """Return the event about an item that ended; one that was `cut` had the model stopped."""
        if not self._ending:
            return b""
        self._ending = False
        item = self.items[-1]
        return self.finish(cut_off(item) if cut else item)

    @property
    def ends_in_call(self) -> bool:
        """True where the item that ended is a call: what fails right after it may fail by it."""
        return self._ending and self.items[-1]["type"] in CALLS

    def next_id(self, prefix: str) -> str:
        """Return the id of the item that is added next."""
        return item_id(prefix, self.seed, len(self.items))

    def where(self) -> Json:
        """Return the fields that point to the open item."""
        return {"item_id": self.items[-1]["id"], "output_index": len(self.items) - 1}


def cut_off(item: Json) -> Json:
    """Return an item that the model was stopped in, or right after."""
    return item if item["type"] in NEVER_CUT else {**item, "status": "incomplete"}


def item_id(prefix: str, seed: str, number: int) -> str:
    """Return an id that is the same in a whole response and in a stream."""
    return f"{prefix}_{seed}{number:04d}"
