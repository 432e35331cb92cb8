"""Where a request's trace begins, and what of it a provider is told.

The pipeline calls `begin` for every request, `span_id` and `propagate` for every attempt; as a
consumer of records, it makes spans of them later. Without a collector in the environment, all of it
is `NoTracing`, which costs nothing and imports nothing of OpenTelemetry; with one, `exported.py`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from airouter.telemetry.context import carried

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fastapi import FastAPI

    from airouter.config.snapshot import Snapshot
    from airouter.telemetry.record import RequestRecord, Trace
    from airouter.telemetry.spans import TracedProviders

logger = logging.getLogger("airouter.telemetry")

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class Tracing(Protocol):
    """Traces requests, or does not: callers cannot tell."""

    @property
    def dropped(self) -> int:
        """Spans that were made and not delivered."""
        ...

    def begin(self, headers: Mapping[bytes, bytes]) -> Trace | None:
        """The place of a new request in its trace; None when it is not recorded."""
        ...

    def span_id(self) -> str:
        """An id for an attempt."""
        ...

    def propagate(self, headers: Mapping[bytes, bytes], trace: Trace | None, span_id: str) -> bytes:
        """Header lines, each ended by CRLF, for the provider.

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
        """Trace an application too, but for its paths in `spanned`: they have or need no more."""
        ...

    def close(self, timeout: float) -> None:
        """Deliver what is left, blocking at most so many seconds."""
        ...


class NoTracing:
    """Traces nothing."""

    dropped = 0

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
        return carried(headers)

    def consume(self, records: list[RequestRecord]) -> None:
        pass

    def reload(self, snapshot: Snapshot) -> None:
        pass

    def instrument(self, app: FastAPI, spanned: Iterable[str]) -> None:
        pass

    def close(self, timeout: float) -> None:
        pass


def open_tracing(environ: Mapping[str, str], providers: TracedProviders) -> Tracing:
    """Open the tracing that the OTEL_* variables ask for."""
    if not configured(environ):
        return NoTracing()
    from airouter.telemetry.exported import open_exported  # noqa: PLC0415 - off costs nothing

    return open_exported(environ, providers)


def configured(environ: Mapping[str, str]) -> bool:
    """Whether there is somewhere to send spans to, and nothing that forbids it."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    names = environ.get("OTEL_TRACES_EXPORTER", "").replace(" ", "").lower().split(",")
    for name in set(names) - {"", "none", "otlp"}:
        logger.warning("OTEL_TRACES_EXPORTER=%s is not supported; otlp is", name)
    if names == [""]:
        return any(environ.get(endpoint) for endpoint in ENDPOINTS)
    return "otlp" in names
