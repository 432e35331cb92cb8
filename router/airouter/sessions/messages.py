"""The messages of a client in a session, and the requests that they make."""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from airouter.dialects.client_request import check_large
from airouter.dialects.escapes import with_whole_characters
from airouter.failures import Failure
from airouter.untrusted import UNREADABLE

Fields = dict[str, msgspec.Raw]

STREAM_ID = re.compile(r"[A-Za-z0-9_.-]{1,256}")
NOT_OF_A_RESPONSE = frozenset({"type", "stream_id", "generate", "event_id", "stream_options"})
"""Fields of a message that the request has not."""
INHERITED = ("instructions", "tools")
"""What a warm-up says once for the response that goes on from it."""
STREAMED = msgspec.Raw(b"true")

_fields = msgspec.json.Decoder(Fields)
_text: msgspec.json.Decoder[str | None] = msgspec.json.Decoder(str | None)


class SessionMessage(NamedTuple):
    """A message that was read."""

    fields: Fields
    stream_id: str | None
    request: bytes
    """The body of the request that it makes."""
    said: Fields | None
    """What a warm-up says for the response that goes on from it; None for what is none."""


def read_message(message: bytes | bytearray) -> SessionMessage:
    """Read a message. Raises `Failure` 400."""
    fields = message_fields(message)
    body = {name: fields[name] for name in fields if name not in NOT_OF_A_RESPONSE}
    body["stream"] = STREAMED
    said = None
    if "generate" in fields and bytes(fields["generate"]) == b"false":
        said = {name: fields[name].copy() for name in INHERITED if name in fields}
    return SessionMessage(fields, stream_id_in(fields), msgspec.json.encode(body), said)


def read_large_message(message: bytes | bytearray) -> SessionMessage:
    """Read a large message. Raises `Failure` 400, also for one of too much."""
    check_large(message)
    return read_message(message)


def with_inherited(message: SessionMessage, said: Fields) -> bytes:
    """Return a request with what a warm-up said for it."""
    lacking = {name: said[name] for name in said if name not in message.fields}
    if not lacking:
        return message.request
    # Copied once: it may have many megabytes.
    pieces: list[bytes | memoryview] = [b"{"]
    for name, value in lacking.items():
        pieces += (b'"%b":' % name.encode(), memoryview(value), b",")
    return b"".join((*pieces, memoryview(message.request)[1:]))


def message_fields(message: bytes | bytearray) -> Fields:
    """Return the fields of a message. Raises `Failure` 400."""
    try:
        return _fields.decode(message)
    except UNREADABLE:
        whole = with_whole_characters(message)
        if whole is None:
            raise Failure(400, "A message must be one JSON object.", code="invalid_json") from None
        return message_fields(whole)


def stream_id_in(fields: Fields) -> str | None:
    """Return the lane that a message names. Raises `Failure` 400."""
    named = string_in(fields, "stream_id")
    if named is not None and not STREAM_ID.fullmatch(named):
        what = "'stream_id' must have 1 to 256 characters of A-Z, a-z, 0-9, '_', '-' and '.'."
        raise Failure(400, what, param="stream_id", code="invalid_stream_id")
    return named


def string_in(fields: Fields, name: str) -> str | None:
    """Return a field that is a string, or absent. Raises `Failure` 400."""
    if name not in fields:
        return None
    try:
        return _text.decode(fields[name])
    except msgspec.ValidationError:
        code = "invalid_stream_id" if name == "stream_id" else "invalid_type"
        raise Failure(400, f"'{name}' must be a string.", param=name, code=code) from None


def steering_failed(fields: Fields) -> bytes:
    """Return the answer to a client that wants to change a response under way."""
    told = {
        "type": "response.steer.failed",
        "sequence_number": 0,
        "steer": {name: fields.get(name, "") for name in ("previous_response_id", "input")},
        "error": {
            "type": "invalid_request_error",
            "code": "steering_not_supported",
            "message": "This router cannot steer a response that is under way.",
        },
    }
    lane = {"stream_id": fields["stream_id"]} if "stream_id" in fields else {}
    return msgspec.json.encode(told | lane)
