"""Events that a server does not number, told with the places that SDKs put them by.

llama.cpp's server, and those built on it, tell neither `sequence_number` nor `output_index` nor
`content_index`, without which an SDK fails, and no two items could be told apart here. Each gets
what it lacks by the id of its item, and by the order in which items and their parts begin.

Source: OpenAI's reference of streaming events.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.forwarding import by_event, mendable
from airouter.dialects.raw_json import (
    ABSENT,
    RawFields,
    fields_of,
    is_silent,
    raw_json,
    with_data,
)
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping

CREATED, ADDED, DELTA = b'"response.created"', b'"response.output_item.added"', b'.delta"'
"""In events; what a model says has its quotes escaped."""
PARTS = re.compile(r"response\.(?:content_part|output_text|refusal|reasoning_text)\.")
SUMMARIES = re.compile(r"response\.reasoning_summary_(?:part|text)\.")
TEXTS = frozenset({"response.output_text.delta", "response.output_text.done"})
BEGINS = frozenset({"response.content_part.added", "response.reasoning_summary_part.added"})
OF_ITEMS = "response.output_item."
NO_LOGPROBS = raw_json([])


class PlacedItem(msgspec.Struct):
    """An item, as much of it as tells it from others."""

    type: str = ""
    id: str | None = None
    call_id: str | None = None


class PlacedEvent(msgspec.Struct):
    """An event, as much of it as tells its place."""

    type: str = ""
    item: PlacedItem | None = None
    item_id: str | None = None
    output_index: int | None = None
    sequence_number: int | None = None


_event = msgspec.json.Decoder(PlacedEvent)


def lacks_places(events: bytes) -> bool:
    """Return True for the first events of a server that does not number them, or their items."""
    if events.find(CREATED) >= 0 and events.find(b'"sequence_number"') < 0:
        return True
    return events.find(ADDED) >= 0 and events.find(b'"output_index"') < 0


class PlaceFiller:
    """The places in one stream."""

    __slots__ = ("_ids", "_last", "_next", "_number", "_open", "_parts", "_places")

    def __init__(self) -> None:
        self._number = -1
        self._next = 0
        """The place of the next item."""
        self._last = 0
        """The place of the item that began last."""
        self._places: dict[str, int] = {}
        """Places by the ids of items, and by those of calls."""
        self._ids: dict[int, str] = {}
        self._open: dict[tuple[str, str | None, str | None], deque[int]] = {}
        """Places of items that are not done, by their types and ids, which several may have."""
        self._parts: Counter[int] = Counter()
        """Parts that have begun, of each item."""

    def feed(self, events: bytes) -> bytes:
        """Return whole events for the client."""
        return by_event(events, self._placed)

    def _placed(self, event: bytes) -> bytes:
        frame = mendable(event)
        told = None if frame is None else decoded_or_none(_event, frame.data)
        if frame is None or told is None or not told.type:
            return event
        self._number = max(self._number + 1, told.sequence_number or 0)
        fields = fields_of(frame.data)
        for name, value in self._found(told).items():
            if is_silent(fields.get(name, ABSENT)):
                fields[name] = value
        return with_data(event, msgspec.json.encode(fields))

    def _found(self, told: PlacedEvent) -> Mapping[str, msgspec.Raw]:
        """Return what is known of an event, whether it says so or not."""
        found: RawFields = {"sequence_number": raw_json(self._number)}
        if told.item is not None and told.type.startswith(OF_ITEMS):
            begins = told.type.endswith(".added")
            found["output_index"] = raw_json(self._place_of(told, told.item, begins=begins))
            return found
        is_part = PARTS.match(told.type) is not None
        is_summary = SUMMARIES.match(told.type) is not None
        if told.item_id is None and not (is_part or is_summary):
            return found
        place = self._last if told.output_index is None else told.output_index
        place = self._places.get(told.item_id or "", place)
        found["output_index"] = raw_json(place)
        found["item_id"] = raw_json(self._ids.get(place, ""))
        self._parts[place] += told.type in BEGINS
        if is_part or is_summary:
            name = "content_index" if is_part else "summary_index"
            found[name] = raw_json(max(0, self._parts[place] - 1))
        if told.type in TEXTS:
            found["logprobs"] = NO_LOGPROBS
        return found

    def _place_of(self, told: PlacedEvent, item: PlacedItem, *, begins: bool) -> int:
        """Return the place of an item that begins or is done."""
        ids = [id_ for id_ in (item.call_id, item.id) if id_]
        alike = self._open.setdefault((item.type, item.call_id, item.id), deque())
        if not begins:
            if alike:
                return alike.popleft()
            known = next((self._places[id_] for id_ in ids if id_ in self._places), None)
            if known is not None:
                return known
        place = self._next if told.output_index is None else told.output_index
        self._next = max(self._next, place + 1)
        self._last = place
        self._places.update(dict.fromkeys(ids, place))
        if ids:
            self._ids[place] = ids[-1]
        if begins:
            alike.append(place)
        return place
