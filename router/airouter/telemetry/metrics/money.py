"""The metrics of money: what answers cost, what caches saved, and what nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily

from airouter.bookkeeping.money import NANODOLLARS
from airouter.costs import PICODOLLARS
from airouter.telemetry.metrics.series import Counter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from airouter.limits.budgets.budget_state import BudgetState
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

        self._cut = Counter(
            "airouter_budget_stops_total",
            "Streams that were ended as a budget of their client had nothing left.",
            ("model", "client"),
        )

    def consume(self, records: list[RequestRecord]) -> None:
        for record in records:
            if record.budget_spent:
                self._cut.series(record.model, record.principal).value += 1
            for attempt in record.attempts:
                if attempt.usage is None:
                    continue
                cost = attempt.cost
                if cost is None:
                    self._unpriced.series(record.model, attempt.credential).value += 1
                    continue
                costs = self._costs.series(record.model, attempt.credential, record.principal)
                costs.value += cost.amount
                if cost.saved:
                    self._savings.series(record.model, attempt.credential).value += cost.saved

    def collect(self) -> Iterable[Metric]:
        for counter in (self._costs, self._savings, self._unpriced, self._cut):
            yield counter.collect()


def observed_budgets(states: Iterable[BudgetState]) -> Metric:
    """Return budgets as a family: what they have for their periods, and what is spent of it."""
    family = GaugeMetricFamily(
        "airouter_budget_usd",
        "Budgets of the period that it is: the limit, and what is used, all reservations included.",
        labels=["scope", "budget", "period", "kind"],
    )
    for state in states:
        of = [state.scope.kind, state.scope.name, state.scope.budget.period]
        family.add_metric([*of, "limit"], state.limit / NANODOLLARS)
        family.add_metric([*of, "used"], (state.used + state.reserved) / NANODOLLARS)
    return family
