"""Responses streams that pass through while their usage is read.

The last event has the whole response in it, and its usage near the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.errors import failure_in
from airouter.dialects.conversation import Json
from airouter.dialects.ending import Ending
from airouter.dialects.estimation import TextMeter
from airouter.dialects.forwarding import DONE, NamedEventForwarder
from airouter.dialects.framing import ServerSentEvents, last_frames
from airouter.dialects.openai_usage import BodyWithUsage, ResponsesCounts, neutral_usage
from airouter.dialects.raw_json import ABSENT
from airouter.dialects.responses.calls import ARGUMENTS, CALL, CallMender
from airouter.dialects.responses.errors import error_event
from airouter.dialects.responses.open_items import OpenItems
from airouter.dialects.responses.places import DELTA, PlaceFiller, lacks_places
from airouter.dialects.responses.streamed import LAST, StreamedResponse
from airouter.dialects.tail import Tail
from airouter.interfaces import Surplus, unfinished
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from airouter.dialects.conversation import Usage
    from airouter.dialects.dialect import Write
    from airouter.failures import Failure

Rename = Callable[[bytes], bytes]
"""Returns whole events, or a whole body, with ids that mean something to the client."""

TEXT = TextMeter("delta")
ENDED = re.compile(rb'"type"\s*:\s*"(?:response\.(?:completed|incomplete|failed)|error)"')
"""In the last event."""
NUMBER = re.compile(rb'"sequence_number":\s*(\d{1,15})')
RESPONSE = b'"response":'
TAIL = 262_144
"""Bytes in which the last event is expected, counted from the end."""


class EventWithResponse(msgspec.Struct):
    """The last event of a stream."""

    response: BodyWithUsage[ResponsesCounts] | None = None


class ToldResponse(msgspec.Struct):
    """An event with a response."""

    response: msgspec.Raw = ABSENT


class StreamedError(msgspec.Struct):
    """An event about an error, in either of its forms."""

    type: str = ""
    error: Json | None = None
    message: str | None = None
    code: str | int | None = None


_told = msgspec.json.Decoder(ToldResponse)
_error = msgspec.json.Decoder(StreamedError)
_event = msgspec.json.Decoder(EventWithResponse)


class UsageReader(NamedEventForwarder):
    """Forwards whole events and remembers the last; `rename` changes ids in them."""

    __slots__ = ("_calls", "_filler", "_open", "_rename", "_streamed", "_tail", "_watches")

    at = len(b"event: response.")
    usual = b"or"  # output_text.delta, reasoning_summary_text.delta, ...

    def __init__(self, write: Write, rename: Rename | None) -> None:
        super().__init__(write, Ending(RESPONSE, LAST))
        self._rename = rename
        self._calls = CallMender()
        self._watches = True
        """True until it is known whether the stream tells the places of its items."""
        self._filler: PlaceFiller | None = None
        self._open = OpenItems()
        """Without the items of the tail."""
        self._tail = Tail(TAIL, self._open.take_many)
        self._streamed = StreamedResponse()

    def forward(self, events: bytes) -> None:
        if self._watches:
            self._watch(events)
        if self._filler is not None:
            events = self._filler.feed(events)
        if events.find(CALL) >= 0 or events.find(ARGUMENTS) >= 0:
            events = self._calls.feed(events)
        self._tail.add(events)
        self._streamed.take(events)
        if self._ending.over:  # of what came with the end, too
            events = self._streamed.filled(events, self._left)
        self.write(self._rename(events) if self._rename else events)

    def _watch(self, events: bytes) -> None:
        """Look for places, up to the first delta."""
        if lacks_places(events):
            self._filler = PlaceFiller()
        self._watches = self._filler is None and events.find(DELTA) < 0

    def take_all(self, stream: bytes) -> Usage | None:
        """Take a stream that was read to its end, and return its usage. Raises as `finish`."""
        with suppress(Surplus):  # after the last event, which is told
            self.feed(stream)
        return self.finish()

    def finish(self) -> Usage | None:
        """Return the usage in the last event. Raises `BrokenReply` for a stream without that.

        Some providers tell an error alone, where OpenAI has a failed response after it.
        """
        self.feed_rest()
        end = self._tail.read()
        if not (self._ending.over or LAST.search(end)):
            error = last_error(end)
            if error is None:
                raise unfinished()
            self._fail(failure_in(error))
        return last_usage(end)

    def is_whole(self) -> bool:
        return self._ending.over or ENDED.search(self._tail.read()) is not None

    def usage_so_far(self, received: int) -> Usage:
        return last_usage(self._tail.read()) or self._tail.estimate(TEXT, received)

    def tokens_so_far(self, received: int) -> int:
        return self._tail.estimate(TEXT, received).output_tokens or 0

    def cut_short(self) -> None:
        ended = self._streamed.cut_short(self._next_number(), self._left)
        self.write(self._rename(ended) if self._rename else ended)

    def break_off(self, failure: Failure) -> None:
        self.write(error_event(failure, self._next_number()) + self._failed(failure, 1))

    def _fail(self, failure: Failure) -> None:
        failed = self._failed(failure, 0)
        if failed:
            self.write(failed)

    def _failed(self, failure: Failure, after: int) -> bytes:
        """Return the last event, which comes so many events later."""
        number = self._next_number() + after
        failed = self._streamed.failed(failure, number, self._left)
        return self._rename(failed) if self._rename else failed

    def _left(self, status: str) -> dict[int, Json]:
        """Return the items that were not done, once."""
        self._open.take([self._tail.read()])
        return self._open.broken_off(status)

    def _next_number(self) -> int:
        return 1 + max((int(each) for each in NUMBER.findall(self._tail.read())), default=-1)


def whole_response(stream: bytes) -> bytes:
    """Return the response that a stream tells. Raises `BrokenReply`, and `Failure` for an error."""
    told: list[bytes] = []
    UsageReader(told.append, None).take_all(stream)
    events = b"".join(told)
    for frame in reversed(ServerSentEvents().feed(events + b"\n\n")):
        last = decoded_or_none(_told, frame.data)
        if last is not None and memoryview(last.response).nbytes:
            return bytes(last.response)
    raise failure_in(last_error(events) or {})


def last_error(end: bytes) -> Json | None:
    """Return the error that a stream ends with; None where it ends with another event."""
    for frame in last_frames(end):
        told = decoded_or_none(_error, frame.data)
        if told is not None and told.type == "error":
            return told.error or {"message": told.message, "code": told.code}
    return None


def last_usage(data: bytes) -> Usage | None:
    """Return the usage in the last event of a stream; None where it has none."""
    # The data of the last event nearly always stands in one line, the last that begins so.
    *_, line = data.rstrip().rpartition(b"\ndata:")
    event = decoded_or_none(_event, line)
    if event is None:  # it stands in several lines, or chat's mark of an end comes after it
        told = next((frame.data for frame in last_frames(data) if frame.data != DONE), b"")
        event = decoded_or_none(_event, told)
    response = None if event is None else event.response
    return None if response is None or response.usage is None else neutral_usage(response.usage)
