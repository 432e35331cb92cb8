"""Responses streams that pass through while their usage is read.

The last event has the whole response in it, and its usage near the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.estimation import TextMeter
from airouter.dialects.forwarding import NamedEventForwarder
from airouter.dialects.openai_usage import BodyWithUsage, ResponsesCounts, neutral_usage
from airouter.dialects.responses.errors import error_event
from airouter.dialects.tail import Tail
from airouter.interfaces import unfinished
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
TAIL = 262_144
"""Bytes in which the last event is expected, counted from the end."""


class EventWithResponse(msgspec.Struct):
    """The last event of a stream."""

    response: BodyWithUsage[ResponsesCounts] | None = None


_event = msgspec.json.Decoder(EventWithResponse)


class UsageReader(NamedEventForwarder):
    """Forwards whole events and remembers the last; `rename` changes ids in them."""

    __slots__ = ("_rename", "_tail")

    def __init__(self, write: Write, rename: Rename | None) -> None:
        super().__init__(write)
        self._rename = rename
        self._tail = Tail(TAIL)

    def forward(self, events: bytes) -> None:
        self._tail.add(events)
        self.write(self._rename(events) if self._rename else events)

    def finish(self) -> Usage | None:
        """Return the usage in the last event. Raises `BrokenReply` for a stream without that."""
        self.feed_rest()
        if not self.is_whole():
            raise unfinished()
        return last_usage(self._tail.read())

    def is_whole(self) -> bool:
        return ENDED.search(self._tail.read()) is not None

    def usage_so_far(self, received: int) -> Usage:
        return last_usage(self._tail.read()) or self._tail.estimate(TEXT, received)

    def break_off(self, failure: Failure) -> None:
        number = max((int(each) for each in NUMBER.findall(self._tail.read())), default=-1)
        self.write(error_event(failure, number + 1))


def last_usage(data: bytes) -> Usage | None:
    """Return the usage in the last event of a stream; None where it has none."""
    # The data of the last event stands in one line, after all other lines that begin so.
    *_, data = data.rstrip().rpartition(b"\ndata:")
    event = decoded_or_none(_event, data)
    response = None if event is None else event.response
    return None if response is None or response.usage is None else neutral_usage(response.usage)
