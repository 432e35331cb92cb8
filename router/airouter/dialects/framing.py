"""Server-sent events, as upstreams write them, from bytes in any cut.

The WHATWG standard: lines end with LF, CRLF or CR; an empty line ends an event; the data of several
`data` lines is joined by LF. Of the other fields only `event` is of use here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from airouter.wire import BrokenReply

EVENT_LIMIT = 16_777_216
"""Bytes of one event; a longer one breaks the stream."""
BOM = b"\xef\xbb\xbf"
EVENT_END = re.compile(rb"\r?\n\r?\n|\r\r")


class Frame(NamedTuple):
    """One event: its name (empty where it has none) and its data."""

    name: bytes
    data: bytes


class ServerSentEvents:
    """Cuts a stream into frames. Comments and events without data give none."""

    __slots__ = ("_held", "_size")

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole now. Raises `BrokenReply` for one that is too long."""
        self._held.append(data)
        self._size += len(data)
        if b"\n" in data or b"\r" in data:
            return self._cut()
        if self._size > EVENT_LIMIT:
            raise BrokenReply("an event of the upstream's stream is too long")
        return []

    def _cut(self) -> list[Frame]:
        *events, rest = EVENT_END.split(b"".join(self._held))
        self._held = [rest]
        self._size = len(rest)
        if self._size > EVENT_LIMIT:
            raise BrokenReply("an event of the upstream's stream is too long")
        return [frame for frame in map(frame_of, events) if frame is not None]


def frame_of(event: bytes) -> Frame | None:
    """An event without its last empty line; None where it has no data."""
    name = b""
    data: list[bytes] = []
    for line in event.removeprefix(BOM).splitlines():
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif line.startswith(b"event:"):
            name = line[6:].strip()
    if not data:
        return None
    return Frame(name, data[0] if len(data) == 1 else b"\n".join(data))
