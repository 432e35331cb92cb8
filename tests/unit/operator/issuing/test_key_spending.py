"""What a RouterKey's status tells of money: of this period, and no more than somebody knows."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.config.budget import PeriodBudget
from airouter_operator.delivering.key_uses import NewUse
from airouter_operator.issuing.key_spending import KeyBudgets, KeySpending, key_spending
from airouter_operator.kube.objects import kubernetes_time, unix_time

CREATED = "2026-10-20T08:00:00Z"
NOW = unix_time("2026-11-15T12:00:00+00:00")
MONTH = "Month/2026-11-01/UTC"
OWN = KeyBudgets((PeriodBudget("100.00", "Month"),))
CENT = 10_000_000
DECEMBER = unix_time("2026-12-01T00:00:00+00:00")


def used(
    spent: dict[str, int] | None, exhausted: str | None = "", cents: int = 1, requests: int = 1
) -> NewUse:
    return NewUse(requests, 100 * requests, cents * CENT, NOW - 5, spent, exhausted, {})


def after(
    found: KeySpending, use: NewUse | None, budgets: KeyBudgets = OWN, now: float = NOW
) -> KeySpending:
    """The next status, as the one before has been written."""
    before = dict(found.fields)
    if found.exhausted is not None:
        turned = {"lastTransitionTime": kubernetes_time(NOW)}
        before["conditions"] = [{**found.exhausted._asdict(), **turned}]
    return key_spending(budgets, before, use, CREATED, now)


def first(use: NewUse | None, budgets: KeyBudgets = OWN) -> KeySpending:
    return key_spending(budgets, {}, use, CREATED, NOW)


def test_of_a_key_that_nobody_has_used_nothing_is_told() -> None:
    assert first(None) == KeySpending({}, None, None)


def test_uses_add_up_and_money_is_what_the_ledger_counts() -> None:
    found = after(first(used({MONTH: 41 * CENT})), used({MONTH: 4120 * CENT}, requests=2))
    assert found.fields == {
        "spent": {"usd": "41.2", "requests": 3, "tokens": 300, "since": "2026-11-01T00:00:00Z"},
        "lastUsedAt": kubernetes_time(NOW - 5),
        "remaining": "58.8",
    }
    assert found.changes_at == DECEMBER


def test_while_the_ledger_is_silent_the_cost_of_answers_is_added() -> None:
    found = after(first(used({MONTH: 41 * CENT})), used({}, cents=2))
    assert (found.fields["spent"]["usd"], found.fields["remaining"]) == ("0.43", "99.57")


def test_with_the_next_period_all_begins_anew_though_nobody_uses_the_key() -> None:
    spent = first(used({MONTH: 10_000 * CENT}))
    assert spent.exhausted is not None
    assert spent.exhausted.status == "True"
    found = after(spent, None, now=DECEMBER)
    assert found.fields["spent"] == {
        "usd": "0",
        "requests": 0,
        "tokens": 0,
        "since": "2026-12-01T00:00:00Z",
    }
    assert found.fields["remaining"] == "100"
    assert found.exhausted is not None
    assert found.exhausted.status == "False"


def test_a_budget_that_is_raised_leaves_so_much_more_at_once() -> None:
    short = first(used({MONTH: 9990 * CENT}, exhausted="client"))
    assert short.exhausted is not None
    assert (short.exhausted.status, short.exhausted.reason) == ("True", "BudgetSpent")
    assert "until 2026-12-01T00:00:00Z" in short.exhausted.message
    still = after(short, used({MONTH: 9990 * CENT}, exhausted=None, requests=0))
    assert still.exhausted == short.exhausted
    raised = after(short, None, KeyBudgets((PeriodBudget("200.00", "Month"),)))
    assert raised.fields["remaining"] == "100.1"
    assert raised.exhausted is not None
    assert raised.exhausted.status == "False"


def test_what_is_spent_beyond_a_budget_is_below_nothing() -> None:
    warning = KeyBudgets((PeriodBudget("0.05", "Month", refuses=False),))
    found = first(used({MONTH: 8 * CENT}), warning)
    assert found.fields["remaining"] == "-0.03"
    assert found.exhausted is not None
    assert "x-airouter-budget: spent" in found.exhausted.message


def test_of_two_budgets_that_which_is_spent_is_told_of() -> None:
    day = PeriodBudget("1.00", "Day", refuses=False)
    budgets = KeyBudgets((day, PeriodBudget("100.00", "Month")))
    found = first(used({"Day/2026-11-15/UTC": 120 * CENT, MONTH: 120 * CENT}), budgets)
    assert found.exhausted is not None
    assert "until 2026-11-16T00:00:00Z: answers have" in found.exhausted.message


def test_where_each_pod_counts_by_itself_costs_are_told_and_nothing_else() -> None:
    found = after(first(used(None, exhausted="client", cents=3)), used(None))
    assert found.fields["spent"]["usd"] == "0.04"
    assert "remaining" not in found.fields
    assert found.exhausted is None


def test_a_key_without_a_budget_counts_from_its_first_use_on() -> None:
    none = KeyBudgets(())
    found = after(first(used({}), none), used({}), none, NOW + 86_400)
    assert found.fields["spent"]["usd"] == "0.02"
    assert found.fields["spent"]["since"] == kubernetes_time(NOW)
    assert "remaining" not in found.fields
    assert found.exhausted is None
    assert found.changes_at is None


def test_a_budget_without_an_end_counts_since_the_key_was_made() -> None:
    total = KeyBudgets((PeriodBudget("1", "Total"),))
    assert first(used({"Total": CENT}), total).fields["spent"]["since"] == CREATED


def test_the_budget_of_a_grant_is_exhausted_until_its_period_ends() -> None:
    together = KeyBudgets((), PeriodBudget("5", "Day"))
    short = first(used({}, exhausted="grant"), together)
    assert short.exhausted is not None
    assert (short.exhausted.status, short.exhausted.reason) == ("True", "GrantBudgetSpent")
    assert short.changes_at == unix_time("2026-11-16T00:00:00+00:00")
    assert "remaining" not in short.fields
    tomorrow = after(short, None, together, now=short.changes_at)
    assert tomorrow.exhausted is not None
    assert tomorrow.exhausted.status == "False"


@pytest.mark.parametrize("budgets", [KeyBudgets(()), KeyBudgets((), PeriodBudget("5", "Day"))])
def test_a_budget_that_is_taken_away_is_not_exhausted(budgets: KeyBudgets) -> None:
    found = after(first(used({MONTH: 10_000 * CENT})), None, budgets)
    assert found.exhausted is None or found.exhausted.status == "False"
    assert "remaining" not in found.fields


def test_what_is_known_stays_while_a_key_is_refused() -> None:
    before: dict[str, Any] = first(used({MONTH: 41 * CENT})).fields
    found = key_spending(KeyBudgets(()), before, None, CREATED, NOW)
    assert found.fields["spent"] == before["spent"]
