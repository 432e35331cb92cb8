"""The spending of a RouterKey, as its status tells it: the status before, and what came since.

Pure. The status is the sum, so that it outlives the operator. Of a key with a budget it is about
the period that it is, and what is spent of money is what the ledger counts, which is what is
enforced; without a budget it is what the answers cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from airouter.bookkeeping.money import nanodollars_in, usd_text
from airouter.bookkeeping.periods import Period, period_at
from airouter.config.compile.budgets import compile_budget, compile_budgets
from airouter_operator.delivering.counted_reports import (
    COUNTED_REPORTS,
    counted_in,
    report_names,
    with_reports,
)
from airouter_operator.kube.objects import Object, kubernetes_time, unix_time
from airouter_operator.reconciling.conditions import Condition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airouter.config.budget import PeriodBudget
    from airouter.config.resource import KeyGrant
    from airouter.config.resource.routerkey import RouterKeySpec
    from airouter_operator.delivering.key_uses import NewUse
    from airouter_operator.reconciling.conditions import Reason

SPENDING_FIELDS = ("spent", "remaining", "lastUsedAt", COUNTED_REPORTS)
"""Fields of the status, which is the only place that has them."""
BUDGET_EXHAUSTED = "BudgetExhausted"
KEY: Reason = "BudgetSpent"
GRANT: Reason = "GrantBudgetSpent"
"""Reasons of the condition: a budget of the key, or that of all keys of its grant."""
REASONS: dict[str, Reason] = {"client": KEY, "grant": GRANT}
"""By the kinds of budgets."""
AVAILABLE = Condition(BUDGET_EXHAUSTED, "False", "BudgetAvailable", "there is money left")


class KeyBudgets(NamedTuple):
    """The budgets that bind a key."""

    own: tuple[PeriodBudget, ...]
    """Each for another period; the status is about the first."""
    together: PeriodBudget | None = None
    """That of all keys of its grant."""


class KeySpending(NamedTuple):
    """All that the status of a key tells of money."""

    fields: Object
    """Those of `SPENDING_FIELDS` that are known."""
    exhausted: Condition | None
    """None where nobody can know it over all pods, or no budget binds the key."""
    changes_at: float | None
    """Unix time at which it is another one though nobody uses the key; None for never."""


def budgets_of(spec: RouterKeySpec, grant: KeyGrant) -> KeyBudgets:
    """Return the budgets of a key by a grant."""
    own = compile_budgets(spec.budget, grant.each.budget)
    return KeyBudgets(own, compile_budget(grant.together.budget))


def key_spending(
    budgets: KeyBudgets, before: Mapping[str, Any], use: NewUse | None, created: str, now: float
) -> KeySpending:
    """Return what is spent by `now` (Unix seconds).

    `before` is the status that is there, `use` what came since, `created` when the key began.
    """
    if use is None and "spent" not in before:
        return KeySpending({}, None, None)
    own = budgets.own[0] if budgets.own else None
    period = None if own is None else current_period(own, now)
    spent = spent_by(counted_since(period, before, created, now), period, before, use)
    fields: Object = {"spent": spent}
    counted = with_reports(counted_in(before), {} if use is None else use.reports)
    if counted:
        fields[COUNTED_REPORTS] = report_names(counted)
    last = times_of_use(before, use)
    if last:
        fields["lastUsedAt"] = max(last)
    if not is_shared(before, use):
        return KeySpending(fields, None, None if period is None else period.ends)
    if own is not None:
        left = nanodollars_in(own.usd) - nanodollars_in(spent["usd"])
        fields["remaining"] = usd_text(left)
    condition = exhausted_of(budgets, before, use, fields, now)
    bounds = [
        current_period(each, now).ends for each in (own, budgets.together) if each is not None
    ]
    ends = min((each for each in bounds if each is not None), default=None)
    return KeySpending(fields, condition, ends)


def current_period(budget: PeriodBudget, now: float) -> Period:
    """Return the period of a budget that a moment is in."""
    return period_at(budget.period, ZoneInfo(budget.time_zone), now)


def counted_since(
    period: Period | None, before: Mapping[str, Any], created: str, now: float
) -> str:
    """Return the time since which is counted, as Kubernetes writes times."""
    if period is None:
        return str((before.get("spent") or {}).get("since") or kubernetes_time(now))
    return created if period.ends is None else kubernetes_time(period.begins)


def spent_by(
    since: str, period: Period | None, before: Mapping[str, Any], use: NewUse | None
) -> Object:
    """Return `spent`: what was counted before of the same period, and what came since."""
    former = before.get("spent") or {}
    if former.get("since") != since:
        former = {}
    requests, tokens = former.get("requests", 0), former.get("tokens", 0)
    nanodollars = nanodollars_in(former.get("usd", "0"))
    if use is not None:
        requests, tokens = requests + use.requests, tokens + use.tokens
        nanodollars += use.nanodollars
        if period is not None and period.name in (use.spent or {}):
            nanodollars = (use.spent or {})[period.name]
    return {"usd": usd_text(nanodollars), "requests": requests, "tokens": tokens, "since": since}


def times_of_use(before: Mapping[str, Any], use: NewUse | None) -> list[str]:
    """Return the times at which the key was used last, as far as they are known."""
    known = [before["lastUsedAt"]] if "lastUsedAt" in before else []
    return known if use is None else [*known, kubernetes_time(use.last_used)]


def is_shared(before: Mapping[str, Any], use: NewUse | None) -> bool:
    """Return whether a ledger counts budgets over all pods."""
    if use is not None:
        return use.spent is not None
    return "remaining" in before or exhausted_in(before) is not None


def exhausted_of(
    budgets: KeyBudgets,
    before: Mapping[str, Any],
    use: NewUse | None,
    fields: Mapping[str, Any],
    now: float,
) -> Condition | None:
    """Return whether a budget has not enough for requests; None where no budget binds the key."""
    if not budgets.own and budgets.together is None:
        return None
    reason: Reason | None
    own = budgets.own
    if nanodollars_in(fields.get("remaining", "1")) <= 0:
        reason, own = KEY, budgets.own[:1]  # of which it is told what remains
    elif use is not None and use.exhausted is not None:
        reason = REASONS.get(use.exhausted)
    else:
        reason = reason_kept(budgets, before, fields, now)
    bound: Iterable[PeriodBudget | None] = own if reason == KEY else [budgets.together]
    binding = [each for each in bound if each is not None]
    if reason is None or not binding:
        return AVAILABLE
    return Condition(BUDGET_EXHAUSTED, "True", reason, exhausted_message(reason, binding, now))


def reason_kept(
    budgets: KeyBudgets, before: Mapping[str, Any], fields: Mapping[str, Any], now: float
) -> Reason | None:
    """Return the reason for which a budget is still exhausted; None where none is.

    That ends with its period, and when the budget is raised.
    """
    condition = exhausted_in(before)
    if condition is None or condition["status"] != "True":
        return None
    if condition["reason"] == KEY:
        is_same = (before.get("spent") or {}).get("since") == fields["spent"]["since"]
        left = nanodollars_in(fields.get("remaining", "0"))
        return KEY if is_same and left <= nanodollars_in(before.get("remaining", "0")) else None
    if budgets.together is None:
        return None
    began = current_period(budgets.together, now).begins
    return GRANT if unix_time(condition["lastTransitionTime"]) >= began else None


def exhausted_message(reason: str, budgets: list[PeriodBudget], now: float) -> str:
    """Return what is exhausted, until when, and what follows."""
    whose = "the budget of this key" if reason == KEY else "the budget of all keys of its grant"
    ends = min(
        (e for each in budgets if (e := current_period(each, now).ends) is not None), default=None
    )
    until = "" if ends is None else f" until {kubernetes_time(ends)}"
    follows = "answers have the header x-airouter-budget: spent"
    if any(each.refuses for each in budgets):
        follows = "requests for which it has not enough get a 429, insufficient_quota"
    return f"{whose} is spent{until}: {follows}"


def exhausted_in(status: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the condition of a status; None without one."""
    found: Iterable[Mapping[str, Any]] = status.get("conditions") or ()
    return next((each for each in found if each.get("type") == BUDGET_EXHAUSTED), None)
