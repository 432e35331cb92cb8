"""A Responses stream that passes through while its usage is read from the side.

The last event has the whole response in it, and its usage near the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Usage
from airouter.dialects.estimation import TextMeter
from airouter.dialects.framing import last_end
from airouter.dialects.responses.errors import error_event
from airouter.dialects.tail import Tail
from airouter.interfaces import BrokenReply

if TYPE_CHECKING:
    from airouter.failures import Failure

Write = Callable[[bytes], None]
Rename = Callable[[bytes], bytes]
"""From whole events, or a whole body, to the same with ids that mean something to the client."""

EVENT_LIMIT = 67_108_864
"""Bytes of one event; the last has all of the response in it."""
LONGEST_EDGE = 3
"""Bytes of an end of which the last is missing."""
TEXT = TextMeter("delta")
NUMBER = re.compile(rb'"sequence_number":\s*(\d{1,15})')
TAIL = 262_144
"""Bytes in which the last event is expected, counted from the end."""


class InputDetails(msgspec.Struct):
    """Parts of the prompt."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class OutputDetails(msgspec.Struct):
    """Parts of the answer."""

    reasoning_tokens: int | None = None


class Counts(msgspec.Struct):
    """The `usage` of a response."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


class Body(msgspec.Struct):
    """Any body with usage in it."""

    usage: Counts | None = None


class Finished(msgspec.Struct):
    """The last event of a stream."""

    response: Body | None = None


_body = msgspec.json.Decoder(Body)
_event = msgspec.json.Decoder(Finished)


def usage_of(body: bytes) -> Usage | None:
    """The usage in a whole response; None when there is none that can be read."""
    try:
        counts = _body.decode(body).usage
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if counts is None else parse_usage(counts)


def parse_usage(counts: Counts) -> Usage:
    """From OpenAI's numbers."""
    given, made = counts.input_tokens_details, counts.output_tokens_details
    return Usage(
        input_tokens=counts.input_tokens,
        output_tokens=counts.output_tokens,
        cached_tokens=given.cached_tokens if given else None,
        cache_write_tokens=given.cache_write_tokens if given else None,
        reasoning_tokens=made.reasoning_tokens if made else None,
    )


class UsageReader:
    """Forwards whole events and remembers the end; `rename` changes what needs another name."""

    __slots__ = ("_edge", "_held", "_rename", "_size", "_tail", "write")

    failure = None

    def __init__(self, write: Write, rename: Rename | None) -> None:
        self.write = write
        self._rename = rename
        self._held: list[bytes] = []
        """The pieces of an event that is not whole: one with a picture in it comes in hundreds."""
        self._size = 0
        self._edge = b""
        """The last bytes of them, with which the end of an event may begin."""
        self._tail = Tail(TAIL)

    def feed(self, data: bytes) -> None:
        seen = self._edge + data
        end = last_end(seen)
        if not end:
            self._hold(data, seen)
            return
        end -= len(self._edge)
        whole = b"".join([*self._held, data[:end]])
        self._held, self._size = [], 0
        self._hold(data[end:], data[end:])
        self._tail.add(whole)
        self.write(self._rename(whole) if self._rename else whole)

    def _hold(self, data: bytes, seen: bytes) -> None:
        """Keep it until the rest of its event comes. Raises `BrokenReply` for too large a one."""
        self._edge = seen[-LONGEST_EDGE:]
        if data:
            self._held.append(data)
            self._size += len(data)
        if self._size > EVENT_LIMIT:
            raise BrokenReply("an event of the stream is too large")

    def finish(self) -> Usage | None:
        """The stream is whole: the usage in its last event."""
        rest = b"".join(self._held)
        if rest:
            self.write(rest)
        return last_usage(self._tail.read() + rest)

    def usage_so_far(self, received: int) -> Usage:
        return last_usage(self._tail.read()) or self._tail.estimate(TEXT, received)

    def break_off(self, failure: Failure) -> None:
        """What is held of the last event is dropped."""
        number = max((int(each) for each in NUMBER.findall(self._tail.read())), default=-1)
        self.write(error_event(failure, number + 1))


def last_usage(data: bytes) -> Usage | None:
    """Return the usage in the last event of a stream; None where it has none."""
    *_, event = data.rstrip().rpartition(b"\ndata:")
    try:
        response = _event.decode(event).response
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    counts = response.usage if response else None
    return None if counts is None else parse_usage(counts)
