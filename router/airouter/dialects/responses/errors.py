"""Errors inside a stream of Responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.errors import error_object

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json
    from airouter.failures import Failure


def error_fields(failure: Failure) -> Json:
    """Return the fields of an error, in both of the forms that clients know.

    The AI SDK takes an event without a code for one that it does not know, and goes on in silence.
    """
    error = error_object(failure)
    error["code"] = failure.code or failure.type
    flat = {name: error[name] for name in ("code", "message", "param")}
    return {**flat, "error": error}


def error_event(failure: Failure, number: int) -> bytes:
    """Return the event that ends a stream, with its `sequence_number`."""
    body = {"type": "error", "sequence_number": number, **error_fields(failure)}
    return b"event: error\ndata: %b\n\n" % msgspec.json.encode(body)
