"""The metrics of /metrics.

A consumer of records: it counts on the event loop's thread, in the families of its parts. What is
a state and no count (requests in flight, the configuration's version) is asked of `Observed`, which
`app.py` implements, when a scrape comes. Every metric is described in `docs/observability.md`.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from airouter import __version__
from airouter.telemetry.metrics.answer_metrics import AnswerMetrics
from airouter.telemetry.metrics.by_client import ByClient
from airouter.telemetry.metrics.money import Money, observed_budgets
from airouter.telemetry.metrics.request_metrics import AttemptMetrics, RequestMetrics

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Sized

    from prometheus_client.core import Metric

    from airouter.limits.budgets.budget_state import BudgetState
    from airouter.limits.usage import LimitUsage
    from airouter.telemetry.record import RequestRecord

STATES = ("ok", "degraded", "down")


class ObservedBans(Protocol):
    """The bans of credentials."""

    @property
    def begun(self) -> Mapping[tuple[str, str], int]:
        """The bans so far, by credential and reason."""
        ...

    def in_force(self, now: float) -> Mapping[str, int]:
        """Return the number of bans at a time of `time.monotonic()`, of every credential."""
        ...

    def refused_keys(self) -> Collection[str]:
        """Return the credentials whose key was refused and did not serve since."""
        ...


class ObservedReload(Protocol):
    """The newest configuration."""

    @property
    def severities(self) -> Mapping[str, int]:
        """The number of findings about it, by severity."""
        ...


class ObservedLoad(Protocol):
    """The state of a credential."""

    @property
    def resting(self) -> Sized:
        """The backends that rest, as they failed last."""
        ...


class ObservedHeartbeats(Protocol):
    """The signs of life for clients."""

    sent: int


class ObservedPipeline(Protocol):
    """The pipeline."""

    @property
    def heartbeats(self) -> ObservedHeartbeats: ...


class ObservedSharedLimits(Protocol):
    """The limits and budgets, of which there may be many thousands."""

    async def most_used(self) -> Sequence[LimitUsage]:
        """Return the limits that are used most."""
        ...

    async def budget_states(self) -> Sequence[BudgetState]:
        """Return the budgets that somebody has spent of, some thousands at most."""
        ...


class Observed(Protocol):
    """The state of the process, read at each scrape."""

    @property
    def reload(self) -> ObservedReload: ...

    @property
    def loads(self) -> Mapping[str, ObservedLoad]:
        """The state of each credential."""
        ...

    @property
    def pipeline(self) -> ObservedPipeline: ...

    @property
    def shared_limits(self) -> ObservedSharedLimits: ...

    @property
    def bans(self) -> ObservedBans: ...

    def in_flight(self) -> Mapping[str, int]:
        """Return the attempts under way, by credential."""
        ...

    def connections(self) -> int:
        """Return the number of open client connections."""
        ...

    def condition(self) -> str:
        """Return ok, degraded or down."""
        ...

    def config_version(self) -> str:
        """Return the version of the snapshot that is served; empty when there is none."""
        ...

    def last_reload_successful(self) -> bool: ...

    def last_reload_time(self) -> float:
        """Return the time of the last successful reload, in seconds since the epoch."""
        ...

    @property
    def ledger(self) -> Mapping[str, object] | None:
        """The state of the ledger of limits; None without one."""
        ...

    def dropped(self) -> Mapping[str, int]:
        """Return the number of lost items by kind: `records`, `spans`, `log_lines`."""
        ...


class Metrics:
    """Counts requests, and renders the metrics."""

    def __init__(self, observed: Observed) -> None:
        self._observed = observed
        self._requests = RequestMetrics()
        self._attempts = AttemptMetrics()
        self._money = Money()
        self._by_client = ByClient()
        self._answers = AnswerMetrics()
        self._limits: Sequence[LimitUsage] = ()
        self._budgets: Sequence[BudgetState] = ()
        self._registry = CollectorRegistry()
        # Not the global registry, which refuses a second router in the process.
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)

    def consume(self, records: list[RequestRecord]) -> None:
        self._by_client.decide(monotonic())
        self._requests.consume(records)
        self._by_client.consume(records)
        self._answers.consume(records)
        self._attempts.consume(records)
        self._money.consume(records)

    def render(self, accept: str) -> tuple[bytes, str]:
        """Render the page and its content type: OpenMetrics if accepted, else Prometheus text."""
        return self.rendering(accept)()

    def rendering(self, accept: str) -> Callable[[], tuple[bytes, str]]:
        """Observe the process now, and return what renders the page, in any thread.

        With 50 models it takes some 10 ms, with 10,000 clients 200.
        """
        families = Families(self._registry, self.collecting())
        if "application/openmetrics-text" in accept:
            return lambda: (openmetrics.generate_latest(families), openmetrics.CONTENT_TYPE_LATEST)  # type: ignore[no-untyped-call]  # it has no annotations
        return lambda: (generate_latest(families), CONTENT_TYPE_PLAIN_0_0_4)

    async def look(self) -> None:
        """Look at limits and budgets, some at a time: what was seen is told from now on."""
        limits = self._observed.shared_limits
        self._limits, self._budgets = await limits.most_used(), await limits.budget_states()

    def collecting(self) -> Callable[[], list[Metric]]:
        """Observe the process now, and return what collects the families, in any thread."""
        observations = list(self._observations())
        return lambda: [*self._counts(), *observations]

    def _counts(self) -> Iterable[Metric]:
        """Yield the families of what was counted, in any thread."""
        for part in (self._requests, self._attempts, self._answers, self._by_client, self._money):
            yield from part.collect()

    def _observations(self) -> Iterable[Metric]:
        """Yield the families of what is a state."""
        yield observed_state(self._observed.condition())
        yield from observations(self._observed)
        yield observed_limits(self._limits)
        yield observed_budgets(self._budgets)


class Families(Collector):
    """The families of one page, for prometheus_client."""

    def __init__(self, process: CollectorRegistry, collect: Callable[[], list[Metric]]) -> None:
        """`process` has those of the interpreter and the operating system."""
        self._process = process
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        """Yield them."""
        yield from self._process.collect()
        yield from self._collect()


def observations(observed: Observed) -> Iterable[Metric]:
    """Yield the state of the process as families."""
    in_flight = GaugeMetricFamily(
        "airouter_requests_in_flight", "Attempts under way.", labels=["credential"]
    )
    for credential, count in observed.in_flight().items():
        in_flight.add_metric([credential], count)
    yield in_flight
    yield from observed_bans(observed.bans)
    rests = GaugeMetricFamily(
        "airouter_credential_rests",
        "Backends that rest, as they failed last.",
        labels=["credential"],
    )
    for credential, load in list(observed.loads.items()):
        rests.add_metric([credential], len(load.resting))
    yield rests
    yield CounterMetricFamily(
        "airouter_heartbeats_total",
        "Signs of life that clients of silent streams got.",
        value=observed.pipeline.heartbeats.sent,
    )
    yield GaugeMetricFamily(
        "airouter_connections", "Open connections of clients.", value=observed.connections()
    )
    version = {"version": observed.config_version()}
    yield InfoMetricFamily("airouter_config", "The snapshot that is served.", value=version)
    yield InfoMetricFamily("airouter_build", "This program.", value={"version": __version__})
    yield GaugeMetricFamily(
        "airouter_config_last_reload_successful",
        "1 when the newest configuration is served, 0 when it was refused.",
        value=int(observed.last_reload_successful()),
    )
    findings = GaugeMetricFamily(
        "airouter_config_findings",
        "Findings about the newest configuration: an error takes something out of service.",
        labels=["severity"],
    )
    for severity, count in observed.reload.severities.items():
        findings.add_metric([severity], count)
    yield findings
    yield GaugeMetricFamily(
        "airouter_config_last_reload_success_timestamp_seconds",
        "Time at which a configuration was last loaded.",
        value=observed.last_reload_time(),
    )
    ledger = observed.ledger
    if ledger is not None:
        yield GaugeMetricFamily(
            "airouter_ledger_connected",
            "1 while the ledger of limits answers, 0 while the pod goes on without it.",
            value=int(bool(ledger["connected"])),
        )
    for kind, count in observed.dropped().items():
        noun = kind.replace("_", " ")
        yield CounterMetricFamily(
            f"airouter_{kind}_dropped_total", f"Lost {noun}: not delivered in time.", value=count
        )


def observed_limits(limits: Iterable[LimitUsage]) -> Metric:
    """Return the limits that are used most as a family."""
    used = GaugeMetricFamily(
        "airouter_limit_used_ratio",
        "Share of a limit that is used, of the 200 limits that are used most.",
        labels=["scope", "name", "limit"],
    )
    for usage in limits:
        used.add_metric([usage.kind, usage.name, usage.limit], usage.share)
    return used


def observed_state(condition: str) -> Metric:
    """Return the state of the router as a family."""
    state = GaugeMetricFamily(
        "airouter_state",
        "1 for the state of the router, as /health tells it; 0 for the others.",
        labels=["state"],
    )
    for name in STATES:
        state.add_metric([name], int(name == condition))
    return state


def observed_bans(bans: ObservedBans) -> Iterable[Metric]:
    """Yield the bans as families."""
    begun = CounterMetricFamily(
        "airouter_bans_total", "Bans so far, by their reason.", labels=["credential", "reason"]
    )
    for labels, count in list(bans.begun.items()):
        begun.add_metric(labels, count)
    yield begun
    in_force = GaugeMetricFamily(
        "airouter_credential_bans",
        "Bans in force, of one model or of all.",
        labels=["credential"],
    )
    refused = GaugeMetricFamily(
        "airouter_credential_key_refused",
        "1 from a ban for a refused key until that key serves, or there is another one.",
        labels=["credential"],
    )
    now = monotonic()
    refused_keys = bans.refused_keys()
    for credential, count in bans.in_force(now).items():
        in_force.add_metric([credential], count)
        refused.add_metric([credential], int(credential in refused_keys))
    yield from (in_force, refused)
