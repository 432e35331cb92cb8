"""Writes spans as OTLP bytes.

The SDK's encoder builds a Python object per attribute; this one joins bytes, most of which
`spans.py` encodes once. The messages are those of
https://github.com/open-telemetry/opentelemetry-proto (trace/v1/trace.proto and what it imports); a
field is its tag (number * 8 + wire type), for text and messages a length, and the value. A test
reads the result with the official library and holds it against what the SDK writes.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.telemetry.record import Trace


SERVER = b"\x30\x02"
CLIENT = b"\x30\x03"
"""Span.kind"""
STATUS_UNSET = b"\x7a\x00"
STATUS_ERROR = b"\x7a\x02\x18\x02"
"""Span.status"""
LOCAL_PARENT = b"\x85\x01\x00\x01\x00\x00"
REMOTE_PARENT = b"\x85\x01\x00\x03\x00\x00"
"""Span.flags: the parent's remoteness is known, and its value."""

LOW_64_BITS = 2**64 - 1

_TIMES = Struct("<BQBQ")
_DOUBLE = Struct("<d")
_EVENT_TIME = Struct("<BQ")


class Envelope(NamedTuple):
    """The fields around every batch of spans, resource and scope, encoded once."""

    resource: bytes
    """The fields of ResourceSpans but its scope_spans."""
    scope: bytes
    """The fields of ScopeSpans but its spans."""

    def wrap(self, spans: bytes) -> bytes:
        """Return an ExportTraceServiceRequest with spans; two such messages joined are one."""
        scope_spans = self.resource + bytes_field(0x12, self.scope + spans)
        return bytes_field(0x0A, scope_spans)


def span(
    trace: Trace,
    span_id: str,
    parent_id: str,
    times: tuple[int, int],
    body: bytes,
) -> bytes:
    """Encode an entry of ScopeSpans.spans.

    Args:
        trace: The trace it belongs to.
        span_id: Its own id.
        parent_id: The id of its parent, or nothing.
        times: Start and end in nanoseconds since the epoch.
        body: All other fields: name, kind, attributes, status, flags.
    """
    parts = [
        b"\x0a\x10",  # field 1, 16 bytes
        bytes.fromhex(trace.trace_id),
        b"\x12\x08",  # field 2, 8 bytes
        bytes.fromhex(span_id),
        _TIMES.pack(0x39, times[0], 0x41, times[1]),
        body,
    ]
    if parent_id:
        parts += (b"\x22\x08", bytes.fromhex(parent_id))
    if trace.tracestate:
        parts.append(otlp_text(0x1A, trace.tracestate))
    return bytes_field(0x12, b"".join(parts))


def span_name(value: str) -> bytes:
    """Encode the field Span.name."""
    return otlp_text(0x2A, value)


def span_event(name: str, nanoseconds: int, attributes: bytes) -> bytes:
    """Encode an entry of Span.events; its attributes are encoded as `event_attribute` does."""
    return bytes_field(
        0x5A, _EVENT_TIME.pack(0x09, nanoseconds) + otlp_text(0x12, name) + attributes
    )


def event_attribute(key: str, value: str) -> bytes:
    """Encode an entry of Event.attributes."""
    return bytes_field(0x1A, attribute_key(key) + bytes_field(0x12, string(value)))


def attribute_key(key: str) -> bytes:
    """Encode the name of an attribute."""
    return otlp_text(0x0A, key)


def attribute(key: bytes, value: bytes) -> bytes:
    """Encode an entry of Span.attributes, of an encoded key and value."""
    return bytes_field(0x4A, key + bytes_field(0x12, value))


def string(value: str) -> bytes:
    """Encode an attribute's text."""
    return otlp_text(0x0A, value)


def boolean(value: bool) -> bytes:
    """Encode an attribute's boolean."""
    return b"\x10\x01" if value else b"\x10\x00"


def integer(value: int) -> bytes:
    """Encode an attribute's whole number, of at most 64 bits."""
    return b"\x18" + varint(value & LOW_64_BITS)  # a negative one as its complement


def double(value: float) -> bytes:
    """Encode an attribute's floating-point number."""
    return b"\x21" + _DOUBLE.pack(value)


def strings(values: Sequence[str]) -> bytes:
    """Encode an attribute's list of texts."""
    return bytes_field(0x2A, b"".join(bytes_field(0x0A, string(value)) for value in values))


def otlp_text(tag: int, value: str) -> bytes:
    """Encode a field of text."""
    return bytes_field(tag, value.encode("utf-8", "replace"))


def bytes_field(tag: int, payload: bytes) -> bytes:
    """Encode a field of bytes, such as a message."""
    size = len(payload)
    if size < 0x80:  # a length of one byte, the usual case
        return bytes((tag, size)) + payload
    return bytes((tag,)) + varint(size) + payload


def varint(value: int) -> bytes:
    """Encode a number in groups of seven bits, lowest first."""
    if value < 0x80:
        return bytes((value,))
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)
