"""Tracing with a collector to send to: loaded, with OpenTelemetry's SDK, only when there is one.

On the hot path it draws ids and writes headers. Spans are encoded by `spans.py` from batches of
records and leave through a `Shipper`; spans of the FastAPI application (`instrumentation.py`) take
the same way. `collector.py` knows the resource and the collector.
"""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING

from airouter.telemetry.collector import envelope_of, open_collector, resource_of
from airouter.telemetry.conventions import NEWEST, conventions_from
from airouter.telemetry.instrumentation import instrument
from airouter.telemetry.record import Trace
from airouter.telemetry.sampling import by_ratio, sampler_from
from airouter.telemetry.shipper import Shipper
from airouter.telemetry.spans import SpanEncoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fastapi import FastAPI
    from opentelemetry.sdk.resources import Resource

    from airouter.config.snapshot import Snapshot
    from airouter.telemetry.client_span import TracedProviders
    from airouter.telemetry.collector import Collector
    from airouter.telemetry.conventions import Conventions
    from airouter.telemetry.propagation import Propagation
    from airouter.telemetry.record import RequestRecord
    from airouter.telemetry.sampling import TraceSampler

CAPACITY = 16 * 2**20
"""Bytes of spans that wait for a slow collector: some fifty thousand."""
REQUEST = 2**20
"""Bytes per request to the collector; collectors refuse more than 4 MiB unless told otherwise."""
LINGER = 1.0
"""Seconds that spans wait for others."""
RECORDS_PER_PIECE = 256


class OtlpTracing:
    """A `Tracing` whose spans reach a collector."""

    def __init__(
        self,
        collector: Collector,
        resource: Resource,
        sampler: TraceSampler,
        providers: TracedProviders,
        propagation: Propagation,
        conventions: Conventions = NEWEST,
        *,
        random: Random,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._collector = collector
        self._resource = resource
        self._envelope = envelope_of(resource)
        self._environment_sampler = sampler
        self._sampler = sampler
        self._encoder = SpanEncoder(providers, conventions)
        self._propagation = propagation
        self._bits = random.getrandbits
        self._wall = wall
        self._monotonic = monotonic
        self._shipper = Shipper(
            collector.send, name="span-export", capacity=CAPACITY, batch=REQUEST, linger=LINGER
        )

    @property
    def dropped(self) -> int:
        return self._shipper.dropped

    def begin(self, headers: Mapping[bytes, bytes]) -> Trace | None:
        parent = self._propagation.parent_of(headers)
        if parent is None:
            trace_id = self._bits(128)
            if not self._sampler.takes(trace_id, None):
                return None
            return Trace(f"{trace_id:032x}", self.span_id(), "", "")
        if not self._sampler.takes(int(parent.trace_id, 16), parent.sampled):
            return None
        return Trace(parent.trace_id, self.span_id(), parent.span_id, parent.tracestate)

    def span_id(self) -> str:
        return f"{self._bits(64):016x}"

    def propagate(self, headers: Mapping[bytes, bytes], trace: Trace | None, span_id: str) -> bytes:
        if trace is None:
            return self._propagation.carried(headers)
        return self._propagation.continued(trace, span_id)

    def consume(self, records: list[RequestRecord]) -> None:
        epoch = self._wall() - self._monotonic()
        # In pieces: a shipper never splits one, and collectors refuse large requests.
        traced = [(record, record.trace) for record in records if record.trace is not None]
        for first in range(0, len(traced), RECORDS_PER_PIECE):
            piece = traced[first : first + RECORDS_PER_PIECE]
            spans = [self._encoder.encode(record, trace, epoch) for record, trace in piece]
            count = sum(1 + len(record.attempts) for record, _ in piece)
            self._shipper.put(self._envelope.wrap(b"".join(spans)), count)

    def reload(self, snapshot: Snapshot) -> None:
        ratio = snapshot.traces.sample_ratio
        self._sampler = self._environment_sampler if ratio is None else by_ratio(ratio)
        self._encoder.reload(snapshot.credentials)

    def instrument(self, app: FastAPI, spanned: Iterable[str]) -> None:
        instrument(app, spanned, self._resource, lambda: self._sampler, self._shipper.put)

    def close(self, timeout: float) -> None:
        """Deliver the queued spans; an export that still retries after the timeout is aborted."""
        self._shipper.close(timeout)
        self._collector.shutdown()


def open_otlp_tracing(
    environ: Mapping[str, str], providers: TracedProviders, propagation: Propagation
) -> OtlpTracing:
    """Open the tracing that the OTEL_* variables describe."""
    return OtlpTracing(
        open_collector(environ),
        resource_of(),
        sampler_from(environ),
        providers,
        propagation,
        conventions_from(environ),
        random=Random(),
    )
