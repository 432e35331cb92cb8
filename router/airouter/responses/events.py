"""Events of a stream of Responses, and the last of them: it has the whole response in it."""

from __future__ import annotations

import re
from typing import Any

import msgspec

LAST = re.compile(rb'"type":\s*"response\.(?:completed|incomplete|failed)"')
"""What a model says is never taken for it: inside a string of JSON its quotes are escaped."""


def split_last(data: bytes) -> tuple[bytes, bytes | None]:
    """Divide whole events at the last one of a stream; None when that is not among them."""
    found = LAST.search(data)
    if found is None:
        return data, None
    before = data.rfind(b"\n\n", 0, found.start())
    at = before + 2 if before >= 0 else 0
    return data[:at], data[at:]


def data_of_last(events: bytes) -> bytes:
    """Return the JSON of the last event of a stream; empty when that is not among these."""
    found = LAST.search(events)
    if found is None:
        return b""
    return events[events.rfind(b"data:", 0, found.start()) + 5 :].partition(b"\n")[0]


def event(name: str, number: int, fields: dict[str, Any]) -> bytes:
    """Return one event of a stream."""
    body = {"type": name, "sequence_number": number, **fields}
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(body))


def added_events(item: dict[str, Any], index: int, number: int) -> bytes:
    """Return the two events of an item that comes at once, from `sequence_number` on."""
    fields = {"output_index": index, "item": item}
    return event("response.output_item.added", number, fields) + event(
        "response.output_item.done", number + 1, fields
    )
