"""The metrics of money: what answers cost, what caches saved, and what nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.costs import PICODOLLARS
from airouter.telemetry.series import Counter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from airouter.telemetry.record import RequestRecord


class Money:
    """Counts what the parts of answers cost, each at the price of whom it is from."""

    def __init__(self) -> None:
        self._costs = Counter(
            "airouter_cost_usd_total",
            "Cost of answers whose price is known, by the client that asked.",
            ("model", "credential", "client"),
            divisor=PICODOLLARS,
        )
        self._savings = Counter(
            "airouter_cache_saved_usd_total",
            "What tokens from a provider's cache would have cost more, had they not been in it.",
            ("model", "credential"),
            divisor=PICODOLLARS,
        )
        self._unpriced = Counter(
            "airouter_unpriced_answers_total",
            "Answers whose cost is not known, as their backend has no price.",
            ("model", "credential"),
        )

    def count(self, record: RequestRecord) -> None:
        for attempt in record.attempts:
            if attempt.usage is None:
                continue
            cost = attempt.cost
            if cost is None:
                self._unpriced.add((record.model, attempt.credential))
                continue
            self._costs.add((record.model, attempt.credential, record.principal), cost.amount)
            if cost.saved:
                self._savings.add((record.model, attempt.credential), cost.saved)

    def collect(self) -> Iterable[Metric]:
        for counter in (self._costs, self._savings, self._unpriced):
            yield counter.collect()
