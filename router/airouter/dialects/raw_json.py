"""JSON that is taken apart only as far as something in it changes; the rest stays to the byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.framing import BOM
from airouter.untrusted import UNREADABLE, decoded_or_none, has_more_objects

if TYPE_CHECKING:
    from collections.abc import Callable

RawFields = dict[str, msgspec.Raw]

ABSENT = msgspec.Raw()
SHORT = 16
"""Bytes of what may say nothing; anything longer does say something."""
MOST_MENDED = 100_000
"""Objects of an answer in which something is looked for that few have: each takes a kilobyte."""
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
    told = event.removeprefix(BOM).splitlines()
    lines = (line for line in told if line and not line.startswith(b"data:"))
    return b"".join(b"%b\n" % line for line in lines) + b"data: %b\n\n" % one_line(data)


def one_line(data: bytes) -> bytes:
    """Return JSON without its line ends, which can only stand between two values."""
    return data if data.find(b"\n") < 0 else data.replace(b"\n", b" ")


def mended(change: Callable[[bytes], bytes], data: bytes) -> bytes:
    """Return what `change` makes of `data`; the same where it cannot be taken apart, or is vast."""
    if has_more_objects(data, MOST_MENDED):
        return data
    try:
        return change(data)
    except UNREADABLE:
        return data
