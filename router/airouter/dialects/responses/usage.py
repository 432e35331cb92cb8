"""Responses streams that pass through while their usage is read.

The last event has the whole response in it, and its usage near the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.ending import MORE, Ending
from airouter.dialects.estimation import TextMeter
from airouter.dialects.framing import last_end
from airouter.dialects.openai_usage import BodyWithUsage, ResponsesCounts, neutral_usage
from airouter.dialects.responses.errors import error_event
from airouter.dialects.tail import Tail
from airouter.interfaces import BrokenReply, Surplus
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from airouter.dialects.conversation import Usage
    from airouter.dialects.dialect import Write
    from airouter.failures import Failure

Rename = Callable[[bytes], bytes]
"""Returns whole events, or a whole body, with ids that mean something to the client."""

EVENT_LIMIT = 67_108_864
"""Bytes of one event; the last has all of the response in it."""
LONGEST_EDGE = 3
"""Bytes of an event's end without its last one."""
TEXT = TextMeter("delta")
NUMBER = re.compile(rb'"sequence_number":\s*(\d{1,15})')
RESPONSE = b'"response":'
LAST = re.compile(rb'"type":\s*"response\.(?:completed|incomplete|failed)"')
TAIL = 262_144
"""Bytes in which the last event is expected, counted from the end."""


class EventWithResponse(msgspec.Struct):
    """The last event of a stream."""

    response: BodyWithUsage[ResponsesCounts] | None = None


_event = msgspec.json.Decoder(EventWithResponse)


class UsageReader:
    """Forwards whole events and remembers the last; `rename` changes ids in them."""

    __slots__ = ("_edge", "_ending", "_held", "_rename", "_size", "_tail", "write")

    failure = None

    def __init__(self, write: Write, rename: Rename | None) -> None:
        self.write = write
        self._ending = Ending(RESPONSE, LAST)
        self._rename = rename
        self._held: list[bytes] = []
        """The pieces of an event that is not whole: one with a picture in it comes in hundreds."""
        self._size = 0
        self._edge = b""
        """The last bytes that are held, with which the end of an event may begin."""
        self._tail = Tail(TAIL)

    def feed(self, data: bytes) -> None:
        seen = self._edge + data
        end = last_end(seen)
        if not end:
            self._hold(data, seen)
            return
        end -= len(self._edge)  # which the held pieces have in them, too
        whole = b"".join([*self._held, data[:end]])
        self._held, self._size = [], 0
        self._hold(data[end:], data[end:])
        surplus = b""
        if whole.find(RESPONSE) >= 0 or self._ending.over:  # a call less for each event
            whole, surplus = self._ending.split(whole)
        self._tail.add(whole)
        self.write(self._rename(whole) if self._rename else whole)
        if surplus:
            self._held = []
            raise Surplus(MORE)

    def _hold(self, data: bytes, seen: bytes) -> None:
        """Keep bytes until the rest of their event comes. Raises `BrokenReply` for too many."""
        self._edge = seen[-LONGEST_EDGE:]
        if data:
            self._held.append(data)
            self._size += len(data)
        if self._size > EVENT_LIMIT:
            raise BrokenReply("an event of the stream is too large")

    def finish(self) -> Usage | None:
        """Return the usage in the last event of a stream that is whole."""
        rest = b"".join(self._held)
        if rest:
            self.write(rest)
        return last_usage(self._tail.read() + rest)

    def usage_so_far(self, received: int) -> Usage:
        return last_usage(self._tail.read()) or self._tail.estimate(TEXT, received)

    def break_off(self, failure: Failure) -> None:
        """Tell the client of an error; the unfinished event is dropped."""
        number = max((int(each) for each in NUMBER.findall(self._tail.read())), default=-1)
        self.write(error_event(failure, number + 1))


def last_usage(data: bytes) -> Usage | None:
    """Return the usage in the last event of a stream; None where it has none."""
    # The data of the last event stands in one line, after all other lines that begin so.
    *_, data = data.rstrip().rpartition(b"\ndata:")
    event = decoded_or_none(_event, data)
    response = None if event is None else event.response
    return None if response is None or response.usage is None else neutral_usage(response.usage)
