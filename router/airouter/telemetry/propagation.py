"""Finds a client's trace in the headers of its request, and writes ours for providers.

OTEL_PROPAGATORS names the forms. W3C Trace Context alone, the default, is read and written by
`context.py`; any other form by OpenTelemetry's own propagator of that name (`b3`, `b3multi`, those
of further packages), which is loaded only then. Baggage is never passed on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from airouter.telemetry.context import RemoteParent, carried, continued, parent_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.telemetry.record import Trace

W3C = "tracecontext"
NOT_OURS = frozenset({"", "baggage", "none"})
"""Names that ask for nothing here; baggage is the client's, and stays with us."""


class Propagation(Protocol):
    """A form, or several, of trace headers."""

    def parent_of(self, headers: Mapping[bytes, bytes]) -> RemoteParent | None:
        """Return the client's span; None without valid headers."""
        ...

    def continued(self, trace: Trace, span_id: str) -> bytes:
        """Return the header lines that make a span of ours the parent of the provider's."""
        ...

    def carried(self, headers: Mapping[bytes, bytes]) -> bytes:
        """Return the header lines of an untraced request, as the client sent them."""
        ...


class W3CPropagation:
    """W3C Trace Context."""

    parent_of = staticmethod(parent_of)
    continued = staticmethod(continued)
    carried = staticmethod(carried)


class NoPropagation:
    """No trace headers at all: OTEL_PROPAGATORS=none."""

    def parent_of(self, headers: Mapping[bytes, bytes]) -> RemoteParent | None:  # noqa: ARG002
        return None

    def continued(self, trace: Trace, span_id: str) -> bytes:  # noqa: ARG002
        return b""

    def carried(self, headers: Mapping[bytes, bytes]) -> bytes:  # noqa: ARG002
        return b""


def propagation_from(environ: Mapping[str, str]) -> Propagation:
    """Return the propagation that OTEL_PROPAGATORS asks for; W3C where it asks for none.

    As the specification wants it, a name that is not known is logged and left out.
    """
    given = environ.get("OTEL_PROPAGATORS", "").strip()
    names = [name.strip().lower() for name in given.split(",")] if given else [W3C]
    wanted = [name for name in dict.fromkeys(names) if name not in NOT_OURS]
    if wanted == [W3C]:
        return W3CPropagation()
    if not wanted:
        return NoPropagation()
    from airouter.telemetry.sdk_propagation import open_propagation  # noqa: PLC0415 - off costs nothing

    return open_propagation(wanted)
