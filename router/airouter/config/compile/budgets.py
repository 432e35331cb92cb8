"""Compiles budgets."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from airouter.config.budget import PeriodBudget

if TYPE_CHECKING:
    from airouter.config.resource import MoneyBudget


def compile_budget(declared: MoneyBudget | None) -> PeriodBudget | None:
    """Compile a budget; None where there is none."""
    if declared is None:
        return None
    return PeriodBudget(
        declared.usd,
        declared.period,
        declared.time_zone,
        refuses=declared.on_exhausted == "Refuse",
        stops_streams=declared.overrun == "Stop",
    )


def compile_budgets(*declared: MoneyBudget | None) -> tuple[PeriodBudget, ...]:
    """Compile the budgets that bind a client together: of two for one period, the stricter."""
    found: dict[tuple[str, str], PeriodBudget] = {}
    for each in filter(None, map(compile_budget, declared)):
        period = each.period, each.time_zone
        known = found.get(period)
        found[period] = each if known is None else stricter(each, known)
    return tuple(found.values())


def stricter(one: PeriodBudget, other: PeriodBudget) -> PeriodBudget:
    """Return a budget that is as strict as each of two."""
    return msgspec.structs.replace(
        one,
        usd=min(one.usd, other.usd, key=Decimal),
        refuses=one.refuses or other.refuses,
        stops_streams=one.stops_streams or other.stops_streams,
    )
