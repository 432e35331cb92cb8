"""Streams that pass through: whole events go on, and only those that can be read.

A client's SDK fails at an event that is no JSON, so the stream ends before it, with an error that
says so. To decode every event would be too dear: one that begins and ends as an object does in one
line, as nearly all do, is taken for sound.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.ending import MORE
from airouter.dialects.escapes import without_halves
from airouter.dialects.framing import BOM, frame_of, has_many_values, last_end
from airouter.dialects.raw_json import mended, with_data
from airouter.interfaces import BrokenReply, Surplus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airouter.dialects.dialect import Write
    from airouter.dialects.ending import Ending
    from airouter.dialects.framing import Frame
    from airouter.dialects.translation.base import Mask

EVENT_LIMIT = 67_108_864
"""Bytes of one event: the last of Responses has the whole response in it."""
DECODED = 1_048_576
"""Bytes of an event that is decoded; a longer one would hold the event loop for too long."""
MOST_READ, MOST_MENDED = 16_777_216, 20_000
"""Bytes and values of an event in which something is looked for that few have, and mended."""
EDGE = 65_536
"""Bytes at both ends of a longer event in which it says what it is, and why it is the last."""
LONGEST_EDGE = 3
"""Bytes of an event's end without its last one."""
EVENT_END = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
"""Two line ends, of which a CRLF is one."""
LF = 10
"""As an integer, which Python finds in bytes five times as fast as a byte."""
LINE_ENDS = b"\n\n"
FILLERS = re.compile(rb"\n\n(:[^\r\n]*+\n\n)?+(?::[^\r\n]*+\n\n|\n)++")
"""Comments without events between them, of which the first is one group, and empty lines."""
DATA, OBJECT_END = b'data: {"', b"}\n\n"
"""The begin and the end of an event with an object, as nearly all providers write it."""
DONE = b"[DONE]"
DATA_LINE = re.compile(rb"(?:\A|[\r\n])data:")
NO_COMMENT = re.compile(rb"(?:\A|[\r\n])[^:\r\n]")


class JsonObject(msgspec.Struct):
    """Any object."""


_object = msgspec.json.Decoder(JsonObject)


class EventForwarder(ABC):
    """A stream filter's first half: cuts a stream into whole events and looks at them.

    `usual` has the bytes at place `at` of the events that need no second look: they are neither the
    last of a stream nor an error.
    """

    __slots__ = ("_edge", "_ending", "_held", "_mask", "_size", "write")

    at = len(DATA)
    usual = b"icomsu"  # id, choices, object, model, ...
    last = b""
    """A whole last event, where one is always the same."""
    failure = None

    def __init__(self, write: Write, ending: Ending) -> None:
        self.write = write
        self._ending = ending
        self._mask: Mask | None = None
        self._held: list[bytes] = []
        """The pieces of an event that is not whole: one with a picture in it comes in hundreds."""
        self._size = 0
        self._edge = b""
        """The last bytes that are held, with which the end of an event may begin."""

    def guard(self, mask: Mask, request_id: str) -> None:  # noqa: ARG002  # what passes has its own
        """See `StreamFilter`."""
        self._mask = mask

    def skips(self, event: bytes) -> bool:  # noqa: ARG002  # for subclasses
        """Return True for an event that is left out, as it is none of the API's, or too many."""
        return False

    def at_end(self, events: bytes) -> None:  # noqa: B027  # for subclasses
        """Look at the last events before they are forwarded. Raises `BrokenReply`."""

    @abstractmethod
    def forward(self, events: bytes) -> None:
        """Pass on events that are whole."""

    def feed(self, data: bytes) -> None:
        """Take a piece of the provider's stream. Raises `BrokenReply`."""
        if (
            data.endswith(OBJECT_END)
            and data.startswith(DATA)
            and data.find(LF, len(DATA)) == len(data) - 2  # there is but one event
            and data[self.at] in self.usual
            and not self._held
        ):
            self.forward(data)
        else:
            self._feed_odd(data)

    def _feed_odd(self, data: bytes) -> None:
        """Take anything but one usual event."""
        if self.last and data == self.last and not self._held:
            self._ending.over = True
            self._held = [b""]
            self.at_end(data)
            self.forward(data)
            return
        seen = self._edge + data
        end = last_end(seen)
        if not end:
            self._hold(data, seen)
            return
        end -= len(self._edge)  # which the held pieces have in them, too
        whole = b"".join([*self._held, data[:end]])
        self._held, self._size = [], 0
        self._hold(data[end:], data[end:])
        self._take(whole)

    def feed_rest(self) -> None:
        """Take what is left of a stream: its last event may lack the empty line after it."""
        rest = b"".join(self._held)
        self._held = []
        if rest and is_sound(rest):
            self._take(rest.rstrip(b"\r\n") + LINE_ENDS)

    def progress(self, received: int) -> int:
        """See `StreamFilter`."""
        return received

    def _take(self, events: bytes) -> None:
        """Forward whole events. Raises `BrokenReply`, also for what comes after the last event."""
        events, surplus = self._ending.split(events)
        sound, is_whole = sound_events(without_fillers(events), self.skips)
        if self._ending.over:
            self.at_end(sound)
        if sound:
            self.forward(sound if self._mask is None else self._mask.body(sound))
        if not is_whole:
            raise BrokenReply("an event of the upstream cannot be read")
        if self._ending.over:
            self._held = [b""]  # so that nothing takes the short ways any more
        if surplus:
            raise Surplus(MORE)

    def _hold(self, data: bytes, seen: bytes) -> None:
        """Keep bytes until the rest of their event comes. Raises `BrokenReply` for too many."""
        self._edge = seen[-LONGEST_EDGE:]
        if data:
            self._held.append(data)
            self._size += len(data)
        if self._size > EVENT_LIMIT:
            raise BrokenReply("an event of the upstream's stream is too long")


class NamedEventForwarder(EventForwarder):
    """A forwarder of streams whose events have a line with their name first."""

    __slots__ = ()

    at = len(b"event: ")
    usual = b"c"  # content_block_delta and its like

    def feed(self, data: bytes) -> None:
        start = data.find(LF) + 1
        if (
            data.endswith(OBJECT_END)
            and data.startswith(DATA, start)
            and data.find(LF, start) == len(data) - 2
            and data[self.at] in self.usual
            and not self._held
        ):
            self.forward(data)
        else:
            self._feed_odd(data)


def without_fillers(events: bytes) -> bytes:
    """Return events with one comment of those in a row, and without empty ones.

    A client takes a comment for a sign of life; thousands would cost more than events.
    """
    if events.find(b"\n\n:") < 0 and events.find(b"\n\n\n") < 0:
        return events
    return FILLERS.sub(rb"\n\n\1", LINE_ENDS + events)[len(LINE_ENDS) :]


def sound_events(events: bytes, skips: Callable[[bytes], bool]) -> tuple[bytes, bool]:
    """Return the events before the first that cannot be read, and True where these are all.

    Those that `skips` knows are left out.
    """
    kept: list[bytes] = []
    start = 0
    for end in event_ends(events):
        event = events[start:end]
        if not is_sound(event):
            return b"".join(kept), False
        if not skips(event):
            kept.append(for_clients(event))
        start = end
    return b"".join((*kept, events[start:])), True


def is_sound(event: bytes) -> bool:
    """Return False for an event that is no JSON."""
    if len(event) > DECODED:
        return True
    frame = frame_of(event.rstrip(b"\r\n"))
    if frame is None or frame.data == DONE:
        return True
    return is_object(frame.data) or is_object(without_halves(frame.data))


def mendable(event: bytes) -> Frame | None:
    """Return an event that is looked through; None for one without data, or with too much."""
    if len(event) > MOST_READ or has_many_values(event, MOST_MENDED):
        return None
    return frame_of(event.rstrip(b"\r\n"))


def edges(data: bytes) -> bytes:
    """Return both ends of a long event, and all of another."""
    return data if len(data) <= 2 * EDGE else data[:EDGE] + data[-EDGE:]


def for_clients(event: bytes) -> bytes:
    """Return an event as SDKs read it; empty for one without data, at which they fail.

    Comments have none either, and all leave them out.
    """
    if event.startswith(b"data:") or len(event) > DECODED:
        return event
    event = event.removeprefix(BOM)
    if DATA_LINE.search(event) or not NO_COMMENT.search(event):
        return event
    frame = frame_of(event.rstrip(b"\r\n"))
    return b"" if frame is None else with_data(b"", frame.data)


def is_object(data: bytes) -> bool:
    """Return True for an object of JSON, as far as it can be seen."""
    try:
        _object.decode(data)
    except RecursionError:
        return True  # its client may have a deeper stack
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def event_ends(events: bytes) -> Iterator[int]:
    """Yield the place after each event."""
    if b"\r" in events:
        yield from (match.end() for match in EVENT_END.finditer(events))
        return
    end = 0
    while (at := events.find(LINE_ENDS, end)) >= 0:
        end = at + len(LINE_ENDS)
        yield end


def by_event(events: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return whole events, each of them changed, if it can be."""
    ends = [0, *event_ends(events)]
    if ends[1:] == [len(events)]:
        return mended(change, events)
    changed = (mended(change, events[start:end]) for start, end in pairwise(ends))
    return b"".join((*changed, events[ends[-1] :]))
