"""A response of a provider's own, as far as its stream has told it.

Some providers end a stream with an empty output, and some break off without a last event. What was
told before makes up for both.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.forwarding import DECODED
from airouter.dialects.framing import ServerSentEvents
from airouter.dialects.raw_json import ABSENT, raw_json, with_data
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.dialects.conversation import Json
    from airouter.failures import Failure

    Left = Callable[[str], dict[int, Json]]

MOST_KEPT = 16_777_216
"""Bytes of items; of a response with more of them, none are kept."""
BEGUN = b'"response"'
DONE = b"output_item.done"
EMPTY = re.compile(rb'"output"\s*:\s*\[\s*\]')
NO_ITEMS = msgspec.Raw(b"[]")
LAST = re.compile(rb'"type"\s*:\s*"response\.(?:completed|incomplete|failed)"')


class StreamedEvent(msgspec.Struct):
    """An event, as much of it as is of use here."""

    type: str = ""
    output_index: int = 0
    item: msgspec.Raw = ABSENT
    response: msgspec.Raw = ABSENT


_event = msgspec.json.Decoder(StreamedEvent)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


class StreamedResponse:
    """The first event of one stream, and its items."""

    __slots__ = ("_begun", "_items", "_size")

    def __init__(self) -> None:
        self._begun: bytes | None = None
        self._items: dict[int, msgspec.Raw] = {}
        self._size = 0

    def take(self, events: bytes) -> None:
        """Take whole events."""
        if events.find(DONE) >= 0:
            self._take_items(events)
        if self._begun is None and events.find(BEGUN) >= 0:
            self._begun = events

    def filled(self, events: bytes, left: Left) -> bytes:
        """Return the last events of the stream, with the items where they have an empty output.

        `left` returns those that were not done, of a status.
        """
        if not has_no_output(events):
            return events
        last = LAST.search(events)
        start = -1 if last is None else events.rfind(b"data:", 0, last.start())
        data, end, rest = events[start + len(b"data:") :].partition(b"\n")
        event = decoded_or_none(_fields, data) if last is not None and start >= 0 else None
        response = decoded_or_none(_fields, event["response"]) if event else None
        if (
            last is None
            or event is None
            or response is None
            or not EMPTY.fullmatch(b'"output":' + response["output"])
        ):
            return events
        whole = last[0].rstrip(b'"').endswith(b"completed")
        output = self._output(left("completed" if whole else "incomplete"))
        if output == NO_ITEMS:
            return events
        event["response"] = raw_json(response | {"output": output})
        return events[:start] + b"data: " + raw_json(event) + end + rest

    def failed(self, failure: Failure, number: int, left: Left) -> bytes:
        """Return the event that ends the response, with its `sequence_number`.

        Empty where none has begun. `left` is as `filled` has it.
        """
        code = "rate_limit_exceeded" if failure.status == 429 else "server_error"
        told = {"code": code, "message": failure.message}
        return self._ended("failed", {"error": told}, number, left)

    def cut_short(self, number: int, left: Left) -> bytes:
        """Return the event that ends a response which has become too long, as `failed` does."""
        told = {"incomplete_details": {"reason": "max_output_tokens"}}
        return self._ended("incomplete", told, number, left)

    def _ended(self, status: str, told: dict[str, Json], number: int, left: Left) -> bytes:
        begun = next(filter(None, map(self._response_in, frames_in(self._begun or b""))), None)
        if begun is None:
            return b""
        response = {**begun, "status": status, **told, "output": self._output(left("incomplete"))}
        name = f"response.{status}"
        body = {"type": name, "sequence_number": number, "response": response}
        return with_data(b"event: %b" % name.encode(), msgspec.json.encode(body))

    def _response_in(self, data: bytes) -> dict[str, msgspec.Raw] | None:
        event = decoded_or_none(_event, data)
        return None if event is None else decoded_or_none(_fields, event.response)

    def _take_items(self, events: bytes) -> None:
        for data in frames_in(events):
            event = decoded_or_none(_event, data) if data.find(DONE) >= 0 else None
            size = 0 if event is None else memoryview(event.item).nbytes
            if event is None or not size or self._size > MOST_KEPT:
                continue
            self._items[event.output_index] = event.item
            self._size += size
            if self._size > MOST_KEPT:
                self._items.clear()

    def _output(self, left: dict[int, Json]) -> msgspec.Raw:
        items = {**left, **self._items}
        return raw_json([item for _, item in sorted(items.items())])


def has_no_output(events: bytes) -> bool:
    """Return whether a response may have an empty output; a large one is searched quickly."""
    if len(events) <= DECODED:
        return EMPTY.search(events) is not None
    return events.find(b'"output":[]') >= 0 or events.find(b'"output": []') >= 0


def frames_in(events: bytes) -> list[bytes]:
    """Return the data of whole events."""
    return [frame.data for frame in ServerSentEvents().feed(events + b"\n\n")]
