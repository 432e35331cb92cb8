"""JSON that is taken apart only as far as something in it changes; the rest stays to the byte."""

from __future__ import annotations

import msgspec

from airouter.untrusted import decoded_or_none

RawFields = dict[str, msgspec.Raw]

ABSENT = msgspec.Raw()
SHORT = 16
"""Bytes of what may say nothing; anything longer does say something."""
SILENT = frozenset({b"", b"null", b'""'})

_text = msgspec.json.Decoder(str)
fields_of = msgspec.json.Decoder(RawFields).decode
rows_of = msgspec.json.Decoder(list[msgspec.Raw]).decode


def raw_json(value: object) -> msgspec.Raw:
    """Return JSON."""
    return msgspec.Raw(msgspec.json.encode(value))


def is_silent(field: msgspec.Raw) -> bool:
    """Return True for a field that is not there, null, or text without a character to be seen."""
    if memoryview(field).nbytes > SHORT:
        return False
    if bytes(field) in SILENT:
        return True
    text = decoded_or_none(_text, field)
    return text is not None and not text.strip()


def with_data(event: bytes, data: bytes) -> bytes:
    """Return a server-sent event with other data, in one line; its name stays."""
    lines = (line for line in event.splitlines() if line and not line.startswith(b"data:"))
    return b"".join(b"%b\n" % line for line in lines) + b"data: %b\n\n" % data
