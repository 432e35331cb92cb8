"""The table of metrics in docs/observability.md, made of what a router exports.

`PYTHONPATH=tests:router python -m support.metrics_table` writes it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

from prometheus_client.core import Metric

from airouter.bookkeeping.money import NANODOLLARS
from airouter.config.budget import PeriodBudget
from airouter.config.findings import Finding
from airouter.config.store import Reload
from airouter.limits.budgets.budget_scope import BudgetScope
from airouter.limits.budgets.budget_state import BudgetState
from airouter.limits.ledger.leases import Leases
from airouter.limits.usage import LimitUsage
from airouter.routing.catalog import Load
from airouter.telemetry.metrics.exposition import Metrics

DOCUMENT = Path(__file__).parents[2] / "docs" / "observability.md"
BEGIN, END = "<!-- metrics -->\n", "<!-- /metrics -->\n"
HEAD = "| Metric | Type | Labels | Meaning |\n|---|---|---|---|\n"


class SomeBans:
    """A credential with one ban for a refused key, and another one without."""

    begun: Mapping[tuple[str, str], int] = {("openai-main", "refused_key"): 1}

    def in_force(self, now: float) -> Mapping[str, int]:
        return {"openai-main": 1, "spare": 0}

    def refused_keys(self) -> Collection[str]:
        return {"openai-main"}


class SomeSharedLimits:
    """A limit that is used to a half, and one budget, of which some is spent."""

    async def most_used(self) -> list[LimitUsage]:
        return [LimitUsage("client", "team-a", "requests", 0.5)]

    async def budget_states(self) -> list[BudgetState]:
        declared = PeriodBudget("10", "Day")
        scope = BudgetScope("client", "team", declared, Leases("pod", lambda: 0.0), lambda: 0.0)
        return [BudgetState(scope, 10 * NANODOLLARS, 2 * NANODOLLARS, NANODOLLARS)]


class SomeProcess:
    """A process of which everything is known."""

    bans = SomeBans()
    reload = Reload(findings=(Finding("error", (), "x"), Finding("error", (), "y")))
    loads = MappingProxyType({"openai-main": Load()})
    pipeline = SimpleNamespace(heartbeats=SimpleNamespace(sent=4))
    shared_limits = SomeSharedLimits()
    ledger: Mapping[str, object] = {"connected": False}

    def in_flight(self) -> Mapping[str, int]:
        return {"openai-main": 2}

    def connections(self) -> int:
        return 3

    def condition(self) -> str:
        return "degraded"

    def config_version(self) -> str:
        return "abc123"

    def last_reload_successful(self) -> bool:
        return False

    def last_reload_time(self) -> float:
        return 1_700_000_000.0

    def dropped(self) -> Mapping[str, int]:
        return {"records": 6, "spans": 7, "log_lines": 8}


def rows() -> Iterator[str]:
    """A row for each metric, in the order of the page."""
    for family in Metrics(SomeProcess()).collecting()():
        suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
        labels = " ".join(f"`{label}`" for label in labels_of(family))
        kind = "gauge, always 1" if family.type == "info" else family.type
        yield f"| `{family.name}{suffix}` | {kind} | {labels} | {family.documentation} |\n"


def labels_of(family: Metric) -> list[str]:
    """The labels of a metric, also of one that has no series yet."""
    named = list(getattr(family, "_labelnames", ()))
    return named or sorted({label for sample in family.samples for label in sample.labels})


def table() -> str:
    """The table as it stands in the document."""
    return BEGIN + HEAD + "".join(rows()) + END


def written(text: str) -> str:
    """The document with the table as it should be."""
    before, _, rest = text.partition(BEGIN)
    return before + table() + rest.partition(END)[2]


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text()))
