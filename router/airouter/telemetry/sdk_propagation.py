"""Trace headers of other forms than W3C's, by OpenTelemetry's propagators; see `propagation.py`."""

from __future__ import annotations

import logging
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import Getter, TextMapPropagator
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    TraceState,
    format_span_id,
    format_trace_id,
    get_current_span,
    set_span_in_context,
)

from airouter.telemetry.context import TRACESTATE as PLAIN
from airouter.telemetry.context import RemoteParent
from airouter.telemetry.propagation import NoPropagation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airouter.telemetry.propagation import Propagation
    from airouter.telemetry.record import Trace

logger = logging.getLogger("airouter.telemetry")

GROUP = "opentelemetry_propagator"
"""The entry points by which packages offer propagators."""
B3 = frozenset({"b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"})
"""Headers that either propagator of B3 reads, whichever of them it writes."""


class HeaderGetter(Getter["Mapping[bytes, bytes]"]):
    """Reads headers for a propagator; one that is odd is as if it had not come."""

    def get(self, carrier: Mapping[bytes, bytes], key: str) -> list[str] | None:
        value = carrier.get(key.encode("latin-1"))
        if value is None or not PLAIN.fullmatch(value):
            return None
        return [value.decode("ascii")]

    def keys(self, carrier: Mapping[bytes, bytes]) -> list[str]:
        return [name.decode("latin-1") for name in carrier]


GETTER = HeaderGetter()


class SdkPropagation:
    """The propagation of one propagator, or of several that each write their headers."""

    def __init__(self, propagator: TextMapPropagator) -> None:
        self._propagator = propagator
        written = {name.lower() for name in propagator.fields}
        read = written if written.isdisjoint(B3) else written | B3
        self._names = sorted(name.encode("latin-1") for name in read)

    def parent_of(self, headers: Mapping[bytes, bytes]) -> RemoteParent | None:
        found = self._propagator.extract(headers, Context(), GETTER)
        parent = get_current_span(found).get_span_context()
        if not parent.is_valid:
            return None
        return RemoteParent(
            format_trace_id(parent.trace_id),
            format_span_id(parent.span_id),
            parent.trace_flags.sampled,
            parent.trace_state.to_header(),
        )

    def continued(self, trace: Trace, span_id: str) -> bytes:
        ours = SpanContext(
            int(trace.trace_id, 16),
            int(span_id, 16),
            is_remote=False,
            trace_flags=TraceFlags(TraceFlags.SAMPLED),
            trace_state=TraceState.from_header([trace.tracestate] if trace.tracestate else []),
        )
        lines: dict[str, str] = {}
        self._propagator.inject(lines, set_span_in_context(NonRecordingSpan(ours), Context()))
        return "".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode("latin-1")

    def carried(self, headers: Mapping[bytes, bytes]) -> bytes:
        if self.parent_of(headers) is None:
            return b""
        sent = ((name, headers.get(name)) for name in self._names)
        return b"".join(
            b"%b: %b\r\n" % (name, value)
            for name, value in sent
            if value is not None and PLAIN.fullmatch(value)
        )


def open_propagation(names: Sequence[str]) -> Propagation:
    """Return the propagation of the propagators of these names that are installed."""
    found = list(loaded(names))
    return SdkPropagation(CompositePropagator(found)) if found else NoPropagation()


def loaded(names: Iterable[str]) -> Iterable[TextMapPropagator]:
    """Yield propagators by their names."""
    for name in names:
        offered = next(iter(entry_points(group=GROUP, name=name)), None)
        if offered is None:
            logger.warning("OTEL_PROPAGATORS=%s is not supported", name)
            continue
        made = offered.load()()
        if isinstance(made, TextMapPropagator):
            yield made
