"""W3C Trace Context: the place of a request in a trace, in two HTTP headers.

https://www.w3.org/TR/trace-context/. Pure functions on bytes, for the hot path; `tracing.py` and
`otlp_tracing.py` decide with them. A header that does not match the grammar is ignored, so nothing
of a client's header reaches a provider but hex digits and printable text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.telemetry.record import Trace

TRACEPARENT = re.compile(
    rb"(?!ff|00.{54})[0-9a-f]{2}"  # version 00 has nothing after its flags, later ones may have
    rb"-(?!0{32})([0-9a-f]{32})"
    rb"-(?!0{16})([0-9a-f]{16})"
    rb"-([0-9a-f]{2})(?:-[\x21-\x7e]{0,200})?"
)
TRACESTATE = re.compile(rb"[\t\x20-\x7e]{1,512}")
"""512 bytes are what the specification asks a vendor to carry."""


class RemoteParent(NamedTuple):
    """The client's span that a request is part of."""

    trace_id: str
    span_id: str
    sampled: bool
    tracestate: str


def parent_of(headers: Mapping[bytes, bytes]) -> RemoteParent | None:
    """Return the client's span; None without a valid header."""
    header = headers.get(b"traceparent")
    if header is None:
        return None
    match = TRACEPARENT.fullmatch(header)
    if match is None:
        return None
    trace_id, span_id, flags = match.groups()
    return RemoteParent(
        trace_id.decode(),
        span_id.decode(),
        int(flags, 16) & 1 == 1,
        tracestate_of(headers).decode(),
    )


def tracestate_of(headers: Mapping[bytes, bytes]) -> bytes:
    """Return a client's tracestate; empty without one, or for one that is too long."""
    state = headers.get(b"tracestate")
    return state if state is not None and TRACESTATE.fullmatch(state) else b""


def continued(trace: Trace, span_id: str) -> bytes:
    """Return the header lines that make a span of ours the parent of the provider's."""
    state = f"tracestate: {trace.tracestate}\r\n" if trace.tracestate else ""
    return f"traceparent: 00-{trace.trace_id}-{span_id}-01\r\n{state}".encode("ascii")


def carried(headers: Mapping[bytes, bytes]) -> bytes:
    """Return the header lines of an untraced request, as the client sent them."""
    header = headers.get(b"traceparent")
    if header is None or TRACEPARENT.fullmatch(header) is None:
        return b""
    state = tracestate_of(headers)
    lines = b"traceparent: %b\r\n" % header
    return lines + b"tracestate: %b\r\n" % state if state else lines
