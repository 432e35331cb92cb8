"""Metrics of the operator, for Prometheus: what has happened, counted."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder

from airouter_operator.observing.conditions import ConditionMetrics
from airouter_operator.retry import RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PREFIX = "airouter_operator"
BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class OperatorMetrics:
    """Counters of what happens, and gauges that are read when somebody asks."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.conditions = ConditionMetrics(self._registry, PREFIX)
        self._reconciles = Counter(
            "reconciles",
            "Reconciliations by result: done, later (to be repeated as planned), failed.",
            ["result"],
            namespace=PREFIX,
            registry=self._registry,
        )
        self._duration = Histogram(
            "reconcile_duration_seconds",
            "Time of one reconciliation.",
            namespace=PREFIX,
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._acknowledgements = Counter(
            "acknowledgements",
            "Polls by which a pod told that it runs or refuses another snapshot than before.",
            namespace=PREFIX,
            registry=self._registry,
        )
        self._ledger_messages = Counter(
            "ledger_messages",
            "Messages of pods to the ledgers of their limits, by the status of the answer.",
            ["status"],
            namespace=PREFIX,
            registry=self._registry,
        )
        self._missed = Counter(
            "missed_objects",
            "Objects that a watch had not told of and a list has shown.",
            ["kind"],
            namespace=PREFIX,
            registry=self._registry,
        )

    def observe(self, name: str, what: str, value: Callable[[], float]) -> None:
        """Add a gauge that is read when somebody asks."""
        Gauge(name, what, namespace=PREFIX, registry=self._registry).set_function(value)

    def observe_each(
        self, name: str, what: str, label: str, values: Mapping[str, Callable[[], float]]
    ) -> None:
        """Add a gauge for each value of a label."""
        gauge = Gauge(name, what, [label], namespace=PREFIX, registry=self._registry)
        for value, read in values.items():
            gauge.labels(value).set_function(read)

    @contextlib.contextmanager
    def reconcile(self) -> Iterator[None]:
        """Count and time one reconciliation, which happens inside."""
        result = "failed"
        try:
            with self._duration.time():
                yield
            result = "done"
        except RetryLater:
            result = "later"
            raise
        finally:
            self._reconciles.labels(result).inc()

    def acknowledged(self) -> None:
        """Count a poll that says something new of its pod."""
        self._acknowledgements.inc()

    def ledger_message(self, status: int) -> None:
        """Count a message to a ledger, by the status of its answer."""
        self._ledger_messages.labels(status).inc()

    def missed(self, kind: str) -> None:
        """Count an object that its watch has not reported."""
        self._missed.labels(kind).inc()

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return the page, and its content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type
