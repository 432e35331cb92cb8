"""The last event of a stream of Responses: the one that has the whole response in it."""

from __future__ import annotations

import re

LAST = re.compile(rb'"type":\s*"response\.(?:completed|incomplete|failed)"')
"""What a model says is never taken for it: inside a string of JSON its quotes are escaped."""


def split_last(data: bytes) -> tuple[bytes, bytes | None]:
    """Whole events before the last one, and from there on; None when that is not among them."""
    found = LAST.search(data)
    if found is None:
        return data, None
    before = data.rfind(b"\n\n", 0, found.start())
    at = before + 2 if before >= 0 else 0
    return data[:at], data[at:]


def data_of_last(events: bytes) -> bytes:
    """The JSON of the last event; empty where that is not among these."""
    found = LAST.search(events)
    if found is None:
        return b""
    return events[events.rfind(b"data:", 0, found.start()) + 5 :].partition(b"\n")[0]
