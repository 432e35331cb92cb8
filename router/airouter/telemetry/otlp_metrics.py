"""The metrics of `/metrics`, pushed to a collector by OTLP.

The families are those of a scrape, by the same names; the SDK's exporter knows endpoints, headers,
certificates and retries. They are collected and sent by a thread: many clients make many series.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)

from airouter.telemetry.collector import GRPC, SCOPE, protocol_of, resource_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from opentelemetry.sdk.resources import Resource
    from prometheus_client.core import Metric as Family
    from prometheus_client.samples import Sample

    from airouter.telemetry.metrics.exposition import Metrics
    from airouter.telemetry.recorder import Recorder

logger = logging.getLogger("airouter.telemetry")

INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL"
EVERY = 60.0
"""Seconds between two exports, unless the environment says another."""
LAST_EXPORT = 5.0
"""Seconds for the last export of a process."""
CUMULATIVE = AggregationTemporality.CUMULATIVE
PROTOCOLS = ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


class MetricsExport:
    """Sends the metrics to a collector from time to time."""

    def __init__(
        self,
        exporter: MetricExporter,
        resource: Resource,
        metrics: Metrics,
        recorder: Recorder,
        every: float,
    ) -> None:
        self._exporter = exporter
        self._resource = resource
        self._metrics = metrics
        self._recorder = recorder
        self._every = every
        self._started = time.time_ns()
        self._thread = ThreadPoolExecutor(1, "metrics-export")

    async def run(self) -> None:
        """Send, again and again, until it is cancelled."""
        while True:
            await asyncio.sleep(self._every)
            await self.export()

    async def export(self) -> None:
        """Send what is known now. A failure is logged, and the next export has it all again."""
        self._recorder.flush()
        await self._metrics.look()
        loop, collect = asyncio.get_running_loop(), self._metrics.collecting()
        try:
            await loop.run_in_executor(self._thread, self._send, collect, time.time_ns())
        except Exception:
            logger.exception("metrics were not exported")

    async def close(self) -> None:
        """Send a last time, and close."""
        try:
            async with asyncio.timeout(LAST_EXPORT):
                await self.export()
        except TimeoutError:
            logger.warning("the last metrics were not exported in time")
        self._exporter.shutdown()
        self._thread.shutdown(wait=False)

    def _send(self, collect: Callable[[], list[Family]], now: int) -> None:
        converted = [metric_of(family, self._started, now) for family in collect()]
        scope = ScopeMetrics(SCOPE, converted, "")
        self._exporter.export(MetricsData([ResourceMetrics(self._resource, [scope], "")]))


def open_export(environ: Mapping[str, str], metrics: Metrics, recorder: Recorder) -> MetricsExport:
    """Open the export that the OTEL_* variables describe."""
    exporter: MetricExporter
    if protocol_of(environ, PROTOCOLS) == GRPC:
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (  # noqa: PLC0415 - slow
            OTLPMetricExporter as GrpcExporter,
        )

        exporter = GrpcExporter()
    else:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415 - slow
            OTLPMetricExporter as HttpExporter,
        )

        exporter = HttpExporter()
    return MetricsExport(exporter, resource_of(), metrics, recorder, interval_of(environ))


def interval_of(environ: Mapping[str, str]) -> float:
    """Return the seconds between two exports; the default for what is no number above 0."""
    given = environ.get(INTERVAL, "").strip()
    if not given:
        return EVERY
    if given.isdecimal() and int(given) > 0:
        return int(given) / 1_000
    logger.warning("%s=%s is no number of milliseconds; using %g s", INTERVAL, given, EVERY)
    return EVERY


def metric_of(family: Family, start: int, now: int) -> Metric:
    """Return a family as the SDK has it; times are nanoseconds since the epoch."""
    name, what = family.name, family.documentation
    if family.type == "histogram":
        points = histogram_points(family.samples, start, now)
        return Metric(name, what, "s", Histogram(points, CUMULATIVE))
    numbers = [
        NumberDataPoint(sample.labels, start, now, float(sample.value))
        for sample in family.samples
        if not sample.name.endswith("_created")
    ]
    if family.type == "counter":
        return Metric(f"{name}_total", what, "", Sum(numbers, CUMULATIVE, is_monotonic=True))
    suffix = "_info" if family.type == "info" else ""
    return Metric(name + suffix, what, "", Gauge(numbers))


def histogram_points(samples: Iterable[Sample], start: int, now: int) -> list[HistogramDataPoint]:
    """Return the points of a histogram, whose buckets count what is up to their bound."""
    buckets: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = defaultdict(list)
    sums: dict[tuple[tuple[str, str], ...], float] = {}
    for sample in samples:
        labels = tuple(item for item in sample.labels.items() if item[0] != "le")
        if sample.name.endswith("_bucket"):
            buckets[labels].append((float(sample.labels["le"]), sample.value))
        elif sample.name.endswith("_sum"):
            sums[labels] = sample.value
    return [
        histogram_point(dict(labels), found, sums[labels], start, now)
        for labels, found in buckets.items()
    ]


def histogram_point(
    labels: dict[str, str], found: list[tuple[float, float]], total: float, start: int, now: int
) -> HistogramDataPoint:
    """Return a point of a histogram: OTLP has each bucket's own count."""
    counts = [int(count) for _, count in found]
    own = [count - before for before, count in zip([0, *counts], counts, strict=False)]
    bounds = [bound for bound, _ in found[:-1]]  # without that of all
    least = most = None
    return HistogramDataPoint(
        labels,
        start,
        now,
        counts[-1],
        total,
        own,
        bounds,
        least,  # type: ignore[arg-type]  # None is left out of the message: it is not known
        most,  # type: ignore[arg-type]  # as above
    )
