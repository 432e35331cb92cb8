"""The progress of a response in the background, as its record tells it."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from airouter.responses.records import StoredResponse

DEAD_AFTER = 30.0
"""Seconds without a beat after which nobody works on a response any more."""
RUNNING = ("queued", "in_progress")
ENDS = ("completed", "incomplete")
"""Ends of a response that have events of their own; others fail."""
NUMBER = re.compile(rb'"sequence_number":\s*(\d{1,15})')


class ResponseStatus(msgspec.Struct):
    """As much of a response as tells how far it is."""

    status: str = ""


_status = msgspec.json.Decoder(ResponseStatus)


def alive(record: StoredResponse) -> StoredResponse:
    """Return a record; a failed one, where nobody works on it any more."""
    if response_status(record) in RUNNING and time.time() - record.beat > DEAD_AFTER:
        return ended(record, "failed", "server_error", "The router that made it is gone.")
    return record


def response_status(record: StoredResponse) -> str:
    """Return the status of a record's response."""
    return _status.decode(record.response).status


def with_status(response: bytes, status: str, **more: Any) -> bytes:
    """Return a response with another status."""
    fields = msgspec.json.decode(response, type=dict[str, msgspec.Raw])
    changed = {"status": status, **more}
    return msgspec.json.encode({**fields, **changed})


def ended(record: StoredResponse, status: str, code: str = "", message: str = "") -> StoredResponse:
    """Return a record whose response is over."""
    error = {"code": code, "message": message} if code else None
    response = with_status(record.response, status, error=error)
    return msgspec.structs.replace(record, response=response)


def last_event(number: int, record: StoredResponse) -> bytes:
    """Return the event that ends the stream of a response."""
    status = response_status(record)
    type_ = f"response.{status if status in ENDS else 'failed'}".encode()
    return b'event: %b\ndata: {"type":"%b","sequence_number":%d,"response":%b}\n\n' % (
        type_,
        type_,
        number,
        record.response,
    )


def later_than(after: int, events: bytes) -> tuple[bytes, int]:
    """Return the events whose numbers are greater, and the greatest number now."""
    kept = []
    for event in events.split(b"\n\n"):
        found = NUMBER.search(event)
        if found and int(found[1]) > after:
            kept.append(event + b"\n\n")
            after = int(found[1])
    return b"".join(kept), after
