"""Budgets as they are declared, and as a snapshot has them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from airouter.config.budget import PeriodBudget
from airouter.config.compile.budgets import compile_budgets
from airouter.config.resource import MoneyBudget


def declared(**fields: Any) -> MoneyBudget:
    """A budget of a month, as far as nothing else is said."""
    return MoneyBudget.model_validate({"usd": "10", "period": "Month", **fields})


@pytest.mark.parametrize(
    ("fields", "fix"),
    [
        ({"usd": "abc"}, "decimal in quotes"),
        ({"usd": "0"}, "decimal in quotes"),
        ({"timeZone": "Europe/Nowhere"}, "Europe/Berlin"),
        ({"timeZone": "America"}, "Europe/Berlin"),
        ({"timeZone": "localtime"}, "Europe/Berlin"),
        ({"timeZone": "right/Europe/Berlin"}, "Europe/Berlin"),
    ],
)
def test_a_budget_that_cannot_be_is_found_with_its_fix(fields: dict[str, str], fix: str) -> None:
    with pytest.raises(ValidationError) as found:
        declared(**fields)
    (only,) = found.value.errors()
    assert only["loc"] == (*fields,)
    assert fix in only["ctx"]["fix"]


def test_of_two_budgets_for_one_period_the_stricter_counts() -> None:
    own = declared(usd="9.5", onExhausted="Warn", overrun="Allow")
    each = declared(usd="100", onExhausted="Refuse", overrun="Stop")
    assert compile_budgets(own, each) == (PeriodBudget("9.5", "Month"),)
    assert compile_budgets(each, own) == (PeriodBudget("9.5", "Month"),)


def test_budgets_for_different_periods_all_count() -> None:
    own, each = declared(period="Day", timeZone="Europe/Berlin"), declared()
    assert compile_budgets(own, None, each) == (
        PeriodBudget("10", "Day", "Europe/Berlin"),
        PeriodBudget("10", "Month"),
    )
