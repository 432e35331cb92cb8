"""Items of a provider's own response that have begun and are not done.

Their text stands in the events alone. It is put together where a response ends without them: from
the end of the stream that is kept, and from what was dropped of it before.
"""

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.framing import ServerSentEvents, has_many_values
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airouter.dialects.conversation import Json

MOST_KEPT = 16_777_216
"""Characters of open items; of a response with more of them, none are kept."""
OVERHEAD = 256
"""What a text counts for beside its characters."""
TEXTS = {
    "response.output_text.delta": ("content", "text"),
    "response.refusal.delta": ("content", "refusal"),
    "response.reasoning_text.delta": ("content", "text"),
    "response.reasoning_summary_text.delta": ("summary", "text"),
    "response.function_call_arguments.delta": ("", "arguments"),
    "response.custom_tool_call_input.delta": ("", "input"),
}
"""The list of an item that a delta is for, if it is for a part of one, and the field."""


class OpenItemEvent(msgspec.Struct):
    """An event about an item, as much of it as is of use here."""

    type: str = ""
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    item: dict[str, object] | None = None
    part: dict[str, object] | None = None
    delta: object = None


_event = msgspec.json.Decoder(OpenItemEvent)
_text = msgspec.json.Decoder(str)
BEGINS = b"output_item.added"
DELTA = re.compile(rb'"delta"\s*:\s*"((?:[^"\\]++|\\.)*+)"', re.DOTALL)


def payload_of_first(events: bytes) -> bytes:
    """Return the data of the first event, where that stands in one line."""
    return events.partition(b"data:")[2].partition(b"\n")[0]


class OpenItem:
    """An item as it grows."""

    __slots__ = ("_begun", "_parts", "_texts")

    def __init__(self, begun: Json) -> None:
        self._begun = begun
        self._parts: dict[tuple[str, int], Json] = {}
        self._texts: dict[tuple[str, int, str], StringIO] = {}

    def add_part(self, place: str, index: int, part: Json) -> None:
        """Begin a part in a list of the item."""
        self._parts[place, index] = part

    def grow(self, place: str, index: int, field: str, text: str) -> int:
        """Add to a text. Returns how much is kept more."""
        known = self._texts.get((place, index, field))
        if known is not None:
            return known.write(text)
        begun = self._texts[place, index, field] = StringIO()
        return OVERHEAD + begun.write(text)

    def broken_off(self, status: str) -> Json:
        """Return the item as far as it came."""
        item = dict(self._begun)
        parts = {key: dict(part) for key, part in self._parts.items()}
        for (place, index, field), text in self._texts.items():
            if place:
                parts.setdefault((place, index), {})[field] = text.getvalue()
            else:
                item[field] = text.getvalue()
        for place in {place for place, _ in parts}:
            item[place] = [part for key, part in sorted(parts.items()) if key[0] == place]
        if "status" in item:
            item["status"] = status
        return item


class OpenItems:
    """The open items of one stream."""

    __slots__ = ("_items", "_size")

    def __init__(self) -> None:
        self._items: dict[int, OpenItem] = {}
        self._size = 0

    def take(self, events: Iterable[bytes]) -> None:
        """Take the next events of the stream, whole ones."""
        if self._size > MOST_KEPT:
            return
        for piece in events:
            for frame in ServerSentEvents().feed(piece + b"\n\n"):
                if has_many_values(frame.data):
                    continue
                event = decoded_or_none(_event, frame.data)
                if event is not None:
                    self._take(event, len(frame.data))

    def take_many(self, events: list[bytes]) -> None:
        """Take events that are dropped of a long stream: nearly always, deltas of one text."""
        block = b"".join(events)
        if not self._items and block.find(BEGINS) < 0:
            return
        first = decoded_or_none(_event, payload_of_first(block))
        if len(self._items) != 1 or first is None or first.type not in TEXTS:
            self.take([block])
            return
        found = DELTA.findall(block)
        kind = block.count(b'"%b"' % first.type.encode())
        text = decoded_or_none(_text, b'"%b"' % b"".join(found))
        if text is None or not kind == len(found) == block.count(b'"output_index"'):
            self.take([block])
        else:
            self._take(msgspec.structs.replace(first, delta=text), 0)

    def broken_off(self, status: str) -> dict[int, Json]:
        """Return the items as far as they came, by their places, with a status."""
        return {at: item.broken_off(status) for at, item in self._items.items()}

    def _take(self, event: OpenItemEvent, size: int) -> None:
        at = event.output_index
        if event.type == "response.output_item.added" and event.item is not None:
            self._items[at] = OpenItem(event.item)
        elif event.type == "response.output_item.done":
            self._items.pop(at, None)
            return
        elif (item := self._items.get(at)) is None:
            return
        elif event.type == "response.content_part.added" and event.part is not None:
            item.add_part("content", event.content_index, event.part)
        elif event.type == "response.reasoning_summary_part.added" and event.part is not None:
            item.add_part("summary", event.summary_index, event.part)
        elif event.type in TEXTS and isinstance(event.delta, str):
            place, field = TEXTS[event.type]
            index = event.summary_index if place == "summary" else event.content_index
            size = item.grow(place, index, field, event.delta)
        else:
            return
        self._size += size
        if self._size > MOST_KEPT:
            self._items.clear()
