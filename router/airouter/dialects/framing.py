"""Server-sent events, as upstreams write them, from bytes in any cut.

The WHATWG standard: lines end with LF, CRLF or CR; an empty line ends an event; the data of several
`data` lines is joined by LF. Of the other fields only `event` is of use here, and one that the
standard does not have: until late in 2025, llama.cpp's server told of an error in a field `error`.
Google ends a stream that it gives up by an object of JSON without any field, over several lines.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from airouter.interfaces import BrokenReply
from airouter.untrusted import OF_AN_OBJECT, WINDOW, has_more_than

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENT_LIMIT = 16_777_216
"""Bytes of one event; a longer one breaks the stream."""
BOM = b"\xef\xbb\xbf"
CR, LF = b"\r\n"
"""Integers, which Python finds in bytes five times as fast as bytes of length 1."""
ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")
EVENT_END = re.compile(rb"\r?\n\r?\n|\r\r")
LONGEST_END = 3
"""Bytes of an event's end without its last one."""
MOST_LINES = 10_000
"""Of one event."""
LARGE, MOST_VALUES = 16_384, 50_000
"""Bytes of an event whose values are counted, and how many one may have that is read."""
BETWEEN_VALUES = (b",", b":", b"[", b"{")
MOST_LAST = 100
"""Frames that are looked at from the end of a stream: those after the last that counts are few."""
ERROR_FIELD = b"error:"
COMMENT = 58
"""Begins a line that nobody reads: a colon, as an integer."""


class Frame(msgspec.Struct, frozen=True):
    """One event: its name (empty where it has none) and its data."""

    name: bytes
    data: bytes


class ServerSentEvents:
    """Cuts a stream into frames. Comments and events without data give none."""

    __slots__ = ("_held", "_searched")

    def __init__(self) -> None:
        self._held = bytearray()
        self._searched = 0
        """Bytes that are held and have no end of an event in them."""

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that are whole now. Raises `BrokenReply` for one that is too long."""
        held = self._held
        if not held and data.endswith(b"\n\n") and CR not in data:  # as most of them come
            frames = map(frame_of, data[:-2].split(b"\n\n"))
            return [frame for frame in frames if frame is not None]
        held += data
        whole = []
        start = 0
        for end in EVENT_END.finditer(held, max(0, self._searched - LONGEST_END)):
            frame = frame_of(bytes(held[start : end.start()]))
            start = end.end()
            if frame is not None:
                whole.append(frame)
        del held[:start]
        self._searched = len(held)
        if self._searched > EVENT_LIMIT:
            raise BrokenReply("an event of the upstream's stream is too long")
        return whole

    def rest(self) -> list[Frame]:
        """Return the frame of what is left at the end of a stream, without the line after it."""
        event = bytes(self._held)
        self._held.clear()
        self._searched = 0
        frame = frame_of(event.rstrip(b"\r\n"))
        return [] if frame is None else [frame]


def last_end(data: bytes) -> int:
    """Return the end of the last whole event in `data`; 0 where none ends."""
    if data.endswith(b"\n\n"):
        return len(data)
    return max(at + len(mark) if (at := data.rfind(mark)) >= 0 else 0 for mark in ENDS)


def last_frames(data: bytes) -> Iterator[Frame]:
    """Yield the last frames of a stream, the last first, and no more than somebody may need."""
    if CR in data:
        yield from reversed(ServerSentEvents().feed(data + b"\n\n")[-MOST_LAST:])
        return
    given, end = 0, len(data)
    while end > 0 and given < MOST_LAST:
        at = data.rfind(b"\n\n", 0, end)
        frame = frame_of(data[at + 2 if at >= 0 else 0 : end])
        end = at
        if frame is not None:
            given += 1
            yield frame


def frame_of(event: bytes) -> Frame | None:
    """Return an event, given without its last empty line, as a frame; None for one without data.

    Raises `BrokenReply` for one of too many lines.
    """
    if event.startswith(b"data: ") and LF not in event and CR not in event:
        return Frame(b"", event[6:])
    if not event or (event[0] == COMMENT and LF not in event and CR not in event):
        return None
    name = b""
    data: list[bytes] = []
    for line in lines_of(event.removeprefix(BOM)):
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif line.startswith(b"event:"):
            name = line[6:].strip()
        elif line.startswith(ERROR_FIELD):
            data.append(b'{"error":%b}' % line[len(ERROR_FIELD) :].strip())
    if not data:
        return Frame(b"", event.strip()) if event.lstrip().startswith(b"{") else None
    return Frame(name, data[0] if len(data) == 1 else b"\n".join(data))


def has_many_values(event: bytes, most: int = MOST_VALUES) -> bool:
    """Return whether an event, or its data, has so many values that it takes long to read it."""
    left = most // OF_AN_OBJECT
    for at in range(0, len(event) if len(event) > LARGE else 0, WINDOW):
        left -= sum(event.count(each, at, at + WINDOW) for each in BETWEEN_VALUES)
        if left < 0:  # with those in strings, which take longer to tell from the others
            return has_more_than(event, most, most)
    return False


def lines_of(event: bytes) -> list[bytes]:
    """Return the lines of an event. Raises `BrokenReply` for too many."""
    # A line may have megabytes, of which `splitlines` looks at each byte.
    if CR not in event:
        lines = event.split(b"\n", MOST_LINES)
        if len(lines) <= MOST_LINES:
            return lines
    elif event.count(b"\r") + event.count(b"\n") <= MOST_LINES:
        return event.splitlines()
    raise BrokenReply("an event of the upstream's stream has too many lines")
