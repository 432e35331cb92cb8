"""Begins a request's trace and propagates it to providers.

The pipeline calls `begin` for every request, `span_id` and `propagate` for every attempt; as a
consumer of records, it makes spans of them later. Without a collector in the environment, all of it
is `NoTracing`, which costs nothing and imports nothing of OpenTelemetry; with one, it is
`otlp_tracing.py`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from airouter.telemetry.otlp_settings import wrong_otlp_variables
from airouter.telemetry.propagation import propagation_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fastapi import FastAPI

    from airouter.config.snapshot import Snapshot
    from airouter.telemetry.client_span import TracedProviders
    from airouter.telemetry.propagation import Propagation
    from airouter.telemetry.record import RequestRecord, Trace

logger = logging.getLogger("airouter.telemetry")

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class Tracing(Protocol):
    """The tracing of requests, which may be off: callers cannot tell."""

    @property
    def dropped(self) -> int:
        """Return the number of spans that were not delivered."""
        ...

    def begin(self, headers: Mapping[bytes, bytes]) -> Trace | None:
        """Return the place of a new request in its trace; None when it is not recorded."""
        ...

    def span_id(self) -> str:
        """Return an id for an attempt."""
        ...

    def propagate(self, headers: Mapping[bytes, bytes], trace: Trace | None, span_id: str) -> bytes:
        """Return header lines, each ended by CRLF, for the provider.

        `headers` are the client's; what it says of its own trace is passed on as it is when there
        is no `trace` of ours.
        """
        ...

    def consume(self, records: list[RequestRecord]) -> None:
        """Make spans of those records that have a trace."""
        ...

    def reload(self, snapshot: Snapshot) -> None:
        """Follow a new configuration: its share of sampled requests, its credentials."""
        ...

    def instrument(self, app: FastAPI, spanned: Iterable[str]) -> None:
        """Trace an application too, without its paths in `spanned`, which have or need no spans."""
        ...

    def close(self, timeout: float) -> None:
        """Deliver queued spans, blocking at most `timeout` seconds."""
        ...


class NoTracing:
    """Traces nothing."""

    dropped = 0

    def __init__(self, propagation: Propagation) -> None:
        self._carried = propagation.carried

    def begin(self, headers: Mapping[bytes, bytes]) -> Trace | None:  # noqa: ARG002
        return None

    def span_id(self) -> str:
        return ""

    def propagate(
        self,
        headers: Mapping[bytes, bytes],
        trace: Trace | None,  # noqa: ARG002
        span_id: str,  # noqa: ARG002
    ) -> bytes:
        return self._carried(headers)

    def consume(self, records: list[RequestRecord]) -> None:
        pass

    def reload(self, snapshot: Snapshot) -> None:
        pass

    def instrument(self, app: FastAPI, spanned: Iterable[str]) -> None:
        pass

    def close(self, timeout: float) -> None:
        pass


def open_tracing(environ: Mapping[str, str], providers: TracedProviders) -> Tracing:
    """Open the tracing that the OTEL_* variables ask for; none where they cannot be used."""
    propagation = propagation_from(environ)
    if not configured(environ):
        return NoTracing(propagation)
    wrong = list(wrong_otlp_variables(environ))
    for variable in wrong:
        logger.error("%s; nothing is traced", variable)
    if wrong:
        return NoTracing(propagation)
    from airouter.telemetry.otlp_tracing import open_otlp_tracing  # noqa: PLC0415 - off costs nothing

    return open_otlp_tracing(environ, providers, propagation)


def configured(environ: Mapping[str, str]) -> bool:
    """Return True if a collector is configured and tracing is not disabled."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    names = environ.get("OTEL_TRACES_EXPORTER", "").replace(" ", "").lower().split(",")
    for name in set(names) - {"", "none", "otlp"}:
        logger.warning("OTEL_TRACES_EXPORTER=%s is not supported; otlp is", name)
    if names == [""]:
        return any(environ.get(endpoint) for endpoint in ENDPOINTS)
    return "otlp" in names
