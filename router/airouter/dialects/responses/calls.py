"""The calls of a response that passes through: each gets ids of its own, and arguments.

What needs no mending passes to the byte. A provider that keeps the response knows its calls by the
ids that it gave, so an id that was made unique says so: a request that goes on at the provider has
the provider's again.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

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
from airouter.dialects.responses.local_tools import BY_ITEM
from airouter.dialects.unique_ids import UniqueIds, new_call_id
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence

CALL, ARGUMENTS = b'_call"', b'arguments.done"'
"""In what may have calls, and in the event that tells their arguments."""
FUNCTION_CALL = "function_call"
CALLS = frozenset({FUNCTION_CALL, "custom_tool_call", "computer_call", *BY_ITEM})
"""Items that a client answers."""
OF_FUNCTIONS = frozenset({FUNCTION_CALL, "custom_tool_call"})
"""Those that always have an id; a search for tools has none where the provider makes it."""
TWIN = "_twin"
TWIN_ID = re.compile(rb'("call_id"\s*:\s*"[^"\\]{1,256}?)%b\d{1,6}(?=")' % TWIN.encode())
NO_ARGUMENTS = raw_json("{}")


class SaidItem(msgspec.Struct):
    """An item of an output."""

    type: str = ""
    id: str | None = None
    call_id: str | None = None
    arguments: msgspec.Raw = ABSENT
    status: str | None = None


class SaidResponse(msgspec.Struct):
    """A response."""

    output: list[SaidItem] | None = None


class SaidEvent(msgspec.Struct):
    """An event, with what it tells of."""

    type: str = ""
    output_index: int = 0
    item: SaidItem | None = None
    response: SaidResponse | None = None
    arguments: msgspec.Raw = ABSENT


_response = msgspec.json.Decoder(SaidResponse)
_event = msgspec.json.Decoder(SaidEvent)


def with_given_ids(items: bytes) -> bytes:
    """Return items with the ids of calls that their provider gave."""
    return TWIN_ID.sub(rb"\1", items)


def has_twins(items: bytes) -> bool:
    """Return True for items with an id that was made unique."""
    return TWIN_ID.search(items) is not None


def with_mended_calls(body: bytes) -> bytes:
    """Return a whole response whose calls can be answered."""
    response = decoded_or_none(_response, body) if body.find(CALL) >= 0 else None
    changes = CallIds().changes_in((response.output if response else None) or ())
    return with_changed_items(body, changes) if any(changes) else body


def with_changed_items(response: bytes | msgspec.Raw, changes: Sequence[RawFields]) -> bytes:
    """Return a response with changes of its items."""
    fields = fields_of(response)
    items = zip(rows_of(fields["output"]), changes, strict=True)
    output = [raw_json(fields_of(item) | new) if new else item for item, new in items]
    return msgspec.json.encode(fields | {"output": raw_json(output)})


class CallIds:
    """The ids of the calls in one response, by those that the provider gave: empty for none.

    In events the place of an item tells twins apart; in an output only their order does, as some
    servers leave other items out of it, or tell no places.
    """

    __slots__ = ("_at", "_ids", "_told")

    def __init__(self) -> None:
        self._ids = UniqueIds(TWIN)
        self._at: dict[tuple[str, int], str] = {}
        self._told: dict[str, list[str]] = {}

    def changes_in(self, items: Sequence[SaidItem]) -> list[RawFields]:
        """Return the fields of each item of an output that change."""
        seen: Counter[str] = Counter()
        return [self._changes_of_next(item, seen) for item in items]

    def changes_at(self, at: int, item: SaidItem, *, ended: bool) -> RawFields:
        """Return the fields of an item in an event that change."""
        if not is_call(item):
            return {}
        given = item.call_id or ""
        told = self._at.get((given, at))
        if told is None:
            told = self._at[given, at] = self._next(given)
        return changes_of(item, told, ended=ended)

    def _changes_of_next(self, item: SaidItem, seen: Counter[str]) -> RawFields:
        if not is_call(item):
            return {}
        given = item.call_id or ""
        told = self._told.get(given, ())
        number = seen[given]
        seen[given] += 1
        call_id = told[number] if number < len(told) else self._next(given)
        return changes_of(item, call_id, ended=True)

    def _next(self, given: str) -> str:
        """Return the client's id of one more call."""
        told = self._ids.unique(given or new_call_id())
        self._told.setdefault(given, []).append(told)
        return told


def is_call(item: SaidItem) -> bool:
    """Return whether a client answers an item, and needs an id for that."""
    return item.type in CALLS and bool(item.call_id or item.type in OF_FUNCTIONS)


def changes_of(item: SaidItem, call_id: str, *, ended: bool) -> RawFields:
    """Return the fields of a call that change; one that is not whole lacks its arguments."""
    changes: RawFields = {}
    if call_id != item.call_id:
        changes["call_id"] = raw_json(call_id)
    if item.type == FUNCTION_CALL and not item.id:  # by which SDKs know it
        changes["id"] = raw_json(call_id)
    whole = ended and item.status in {None, "completed"}
    if item.type == FUNCTION_CALL and whole and is_silent(item.arguments):
        changes["arguments"] = NO_ARGUMENTS
    return changes


class CallMender:
    """The calls of one stream."""

    __slots__ = ("_ids",)

    def __init__(self) -> None:
        self._ids = CallIds()

    def feed(self, events: bytes) -> bytes:
        """Return whole events for the client."""
        return by_event(events, self._mended)

    def _mended(self, event: bytes) -> bytes:
        frame = mendable(event)
        told = None if frame is None else decoded_or_none(_event, frame.data)
        changed = None if frame is None or told is None else self._changed(frame.data, told)
        return event if changed is None else with_data(event, msgspec.json.encode(changed))

    def _changed(self, data: bytes, told: SaidEvent) -> RawFields | None:
        """Return the fields of an event that changes."""
        if told.item is not None:
            ended = told.type == "response.output_item.done"
            new = self._ids.changes_at(told.output_index, told.item, ended=ended)
            if new:
                fields = fields_of(data)
                return fields | {"item": raw_json(fields_of(fields["item"]) | new)}
        elif told.response is not None:
            changes = self._ids.changes_in(told.response.output or ())
            if any(changes):
                fields = fields_of(data)
                response = with_changed_items(fields["response"], changes)
                return fields | {"response": msgspec.Raw(response)}
        elif told.type == "response.function_call_arguments.done" and is_silent(told.arguments):
            return fields_of(data) | {"arguments": NO_ARGUMENTS}
        return None
