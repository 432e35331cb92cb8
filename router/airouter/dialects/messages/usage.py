"""Usage of a stream of messages, read from the side while the bytes pass through.

The cost of the input stands in the first event, the rest in one of the last: only the beginning and
the end are kept, and no event is decoded before the stream is over.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Usage
from airouter.dialects.ending import Ending
from airouter.dialects.estimation import TextMeter
from airouter.dialects.forwarding import NamedEventForwarder
from airouter.dialects.framing import ServerSentEvents
from airouter.dialects.messages.calls import CALL, CallMender
from airouter.dialects.messages.counts import Counts, later, parse_usage
from airouter.dialects.messages.cut_short import end_at_length
from airouter.dialects.messages.errors import error_event
from airouter.dialects.tail import Tail
from airouter.interfaces import unfinished
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from airouter.dialects.dialect import Write
    from airouter.failures import Failure

HEAD = 16_384
"""Bytes in which the first event is expected."""
TAIL = 8_192
"""Bytes in which the last usage is expected, counted from the end."""
TEXT = TextMeter("text", "thinking", "partial_json")
USAGE = re.compile(rb'"usage"\s*:\s*\{')
STOP = re.compile(rb'"type"\s*:\s*"message_stop"')
LAST = re.compile(rb'"type"\s*:\s*"message_delta"')
"""In the event that tells the whole output."""
ENDED = re.compile(rb'"type"\s*:\s*"(?:message_stop|error)"')
"""In the last event."""


BEGINNING = 64
"""Bytes in which an event says its type."""
MESSAGE_START = re.compile(rb'"type"\s*:\s*"message_start"')
"""Which imitators of Anthropic's say twice: clients begin anew at it, and end with nothing."""
VERTEX_EVENT = re.compile(rb'event:[ ]?vertex_event\b|"type"\s*:\s*"vertex_event"')
"""A count of Vertex AI's own, which the SDK of Vercel takes for a broken stream."""


class Started(msgspec.Struct):
    """A `message_start`, as much of it as is of use."""

    usage: Counts | None = None


class UsageEvent(msgspec.Struct):
    """An event of any type, as much of it as is of use."""

    message: Started | None = None
    usage: Counts | None = None


_event = msgspec.json.Decoder(UsageEvent)


class UsageReader(NamedEventForwarder):
    """A stream filter that forwards all events and keeps the first and the last."""

    __slots__ = ("_begun", "_calls", "_head", "_missing", "_tail")

    def __init__(self, write: Write) -> None:
        super().__init__(write, Ending(b"message_stop", STOP))
        self._begun = False
        self._calls = CallMender()
        self._head: list[bytes] = []
        self._missing = HEAD
        self._tail = Tail(TAIL)

    def skips(self, event: bytes) -> bool:
        if MESSAGE_START.search(event, 0, BEGINNING):
            again, self._begun = self._begun, True
            return again
        return VERTEX_EVENT.search(event, 0, BEGINNING) is not None

    def forward(self, events: bytes) -> None:
        if events.find(CALL) >= 0:
            events = self._calls.feed(events)
        self.write(events)
        if self._missing > 0:
            self._head.append(events[: self._missing])
            self._missing -= len(events)
        self._tail.add(events)

    def finish(self) -> Usage | None:
        """Return the usage of a stream. Raises `BrokenReply` for one that is not whole."""
        self.feed_rest()
        if not self.is_whole():
            raise unfinished()
        return self._usage()

    def is_whole(self) -> bool:
        return ENDED.search(self._tail.read()) is not None

    def usage_so_far(self, received: int) -> Usage:
        usage = self._usage() or Usage()
        if LAST.search(self._tail.read()):
            return usage
        # Until then, the output told is what there was at the beginning: a token or a few.
        output = self._tail.estimate(TEXT, received).output_tokens
        return msgspec.structs.replace(usage, output_tokens=output)

    def tokens_so_far(self, received: int) -> int:
        return self._tail.estimate(TEXT, received).output_tokens or 0

    def cut_short(self) -> None:
        end = self._tail.read()
        self.write(end_at_length(end, TEXT.tokens([end], 0, len(end))))

    def break_off(self, failure: Failure) -> None:
        self.write(error_event(failure))

    def _usage(self) -> Usage | None:
        usage = last_usage(b"".join(self._head), None)
        return last_usage(self._tail.read(), usage)


def last_usage(data: bytes, usage: Usage | None) -> Usage | None:
    """Return the last usage in a piece of a stream, filled with what was known before."""
    for frame in ServerSentEvents().feed(data + b"\n\n"):
        if USAGE.search(frame.data):
            event = decoded_or_none(_event, frame.data)
            if event is None:
                continue  # cut off: the piece begins or ends inside it
            counts = event.usage or (event.message.usage if event.message else None)
            if counts is not None:
                usage = later(usage, parse_usage(counts))
    return usage
