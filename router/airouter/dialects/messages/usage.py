"""A stream of messages that passes through while its usage is read from the side.

What the input cost stands in the first event, the rest in one of the last.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.framing import ServerSentEvents
from airouter.dialects.messages.counts import Counts, later, parse_usage
from airouter.dialects.messages.errors import error_event
from airouter.dialects.tail import Tail
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from airouter.dialects.conversation import Usage
    from airouter.failures import Failure

Write = Callable[[bytes], None]

HEAD = 16_384
"""Bytes in which the first event is expected."""
TAIL = 8_192
"""Bytes in which the last usage is expected, counted from the end."""
USAGE = re.compile(rb'"usage"\s*:\s*\{')


class Started(msgspec.Struct):
    """As much of `message_start` as is of use."""

    usage: Counts | None = None


class UsageEvent(msgspec.Struct):
    """As much of any event as is of use."""

    message: Started | None = None
    usage: Counts | None = None


_event = msgspec.json.Decoder(UsageEvent)


class UsageReader:
    """Forwards everything as it is and remembers the beginning and the end."""

    __slots__ = ("_head", "_missing", "_tail", "write")

    failure = None

    def __init__(self, write: Write) -> None:
        self.write = write
        self._head: list[bytes] = []
        self._missing = HEAD
        self._tail = Tail(TAIL)

    def feed(self, data: bytes) -> None:
        self.write(data)
        if self._missing > 0:
            self._head.append(data[: self._missing])
            self._missing -= len(data)
        self._tail.add(data)

    def finish(self) -> Usage | None:
        """The stream is whole: what it cost."""
        usage = last_usage(b"".join(self._head), None)
        return last_usage(self._tail.read(), usage)

    def break_off(self, failure: Failure) -> None:
        """The client may have the beginning of an event without its end."""
        self.write(error_event(failure, mid_event=self._tail.is_inside_an_event()))


def last_usage(data: bytes, usage: Usage | None) -> Usage | None:
    """The last usage in a piece of a stream, over what was known before."""
    for frame in ServerSentEvents().feed(data + b"\n\n"):
        if USAGE.search(frame.data):
            event = decoded_or_none(_event, frame.data)
            if event is None:
                continue  # the piece begins or ends inside it
            counts = event.usage or (event.message.usage if event.message else None)
            if counts is not None:
                usage = later(usage, parse_usage(counts))
    return usage
