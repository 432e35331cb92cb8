"""Scrapes and exports of a router with many clients: nobody waits for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

import pytest
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.resources import Resource

from airouter.config.snapshot import Limits
from airouter.limits.counters import Counters
from airouter.limits.scope import Scope
from airouter.limits.usage import LimitUsage, most_used
from airouter.telemetry.metrics.exposition import Metrics
from airouter.telemetry.metrics.scraping import Scraping
from airouter.telemetry.otlp_metrics import MetricsExport
from airouter.telemetry.recorder import Recorder
from support.loop_watch import loop_watched
from support.metrics_table import SomeProcess, SomeSharedLimits
from support.records import a_paid_record

CLIENTS = 10_000
SOME = 0.2
"""Share of the work of a scrape."""


class ManyLimits(SomeSharedLimits):
    """Limits of many clients, all in use."""

    def __init__(self) -> None:
        self.scopes = [Scope("client", f"client-{number}") for number in range(CLIENTS)]
        for each in self.scopes:
            each.limit(Limits(rpm=100, tpm=1_000))
            Counters((each,)).take(0, 10)

    async def most_used(self) -> list[LimitUsage]:
        return await most_used(self.scopes, lambda: 1.0)


class BusyProcess(SomeProcess):
    """A process of many clients."""

    def __init__(self) -> None:
        self.shared_limits: SomeSharedLimits = ManyLimits()


@pytest.fixture
def busy() -> Metrics:
    metrics = Metrics(BusyProcess())
    metrics.consume(
        [replace(a_paid_record(), principal=f"client-{number}") for number in range(CLIENTS)]
    )
    return metrics


@pytest.fixture
async def scraping(busy: Metrics) -> AsyncIterator[Scraping]:
    made = Scraping(busy, Recorder((), asyncio.get_running_loop().call_later))
    yield made
    made.close()


async def test_a_scrape_with_many_clients_is_made_beside_the_loop_and_bit_by_bit(
    scraping: Scraping,
) -> None:
    async with loop_watched() as watch:
        page, _ = await scraping.page("")
    assert page.count(b"airouter_cost_usd_total{") == CLIENTS
    assert page.count(b"airouter_limit_used_ratio{") == 200
    assert watch.share < SOME


class KeptExports(MetricExporter):
    """An exporter that keeps what it is to send."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[MetricsData] = []

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 0, **_: object
    ) -> MetricExportResult:
        self.kept.append(metrics_data)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 0) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 0, **_: object) -> None:
        pass


async def test_an_export_with_many_clients_is_made_beside_the_loop_and_bit_by_bit(
    busy: Metrics,
) -> None:
    recorder = Recorder((), asyncio.get_running_loop().call_later)
    exporter = KeptExports()
    export = MetricsExport(exporter, Resource({}), busy, recorder, 60.0)
    async with loop_watched() as watch:
        await export.export()
    await export.close()
    (scope,) = exporter.kept[0].resource_metrics[0].scope_metrics
    (costs,) = (each for each in scope.metrics if each.name.startswith("airouter_cost_usd"))
    assert len(costs.data.data_points) == CLIENTS
    assert watch.share < SOME


async def test_who_asks_for_metrics_at_once_gets_one_page() -> None:
    begun, opened = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    rendered: list[str] = []

    class SlowMetrics(Metrics):
        """Renders a page once it may."""

        def rendering(self, accept: str) -> Callable[[], tuple[bytes, str]]:
            def render() -> tuple[bytes, str]:
                loop.call_soon_threadsafe(begun.set)
                assert opened.wait(60)
                rendered.append(accept)
                return b"%d" % len(rendered), accept

            return render

    scraping = Scraping(SlowMetrics(SomeProcess()), Recorder((), loop.call_later))
    try:
        first = asyncio.create_task(scraping.page(""))
        async with asyncio.timeout(60):
            await begun.wait()
        others = [asyncio.create_task(scraping.page("")) for _ in range(50)]
        await asyncio.sleep(0)
        opened.set()
        pages: Sequence[tuple[bytes, str]] = await asyncio.gather(first, *others)
    finally:
        opened.set()
        scraping.close()
    assert [page for page, _ in pages] == [b"1"] + [b"2"] * 50
