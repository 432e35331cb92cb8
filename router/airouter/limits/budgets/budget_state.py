"""The state of a budget, as its client, its owner and metrics are told of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from airouter.bookkeeping.money import usd_text
from airouter.eventloop.parts import in_parts
from airouter.limits.budgets.budget_scope import BudgetScope

if TYPE_CHECKING:
    from collections.abc import Sequence


class BudgetState(msgspec.Struct, frozen=True):
    """A budget in the period that it is, in billionths of a US dollar.

    What other replicas have reserved counts as used.
    """

    scope: BudgetScope
    limit: int
    used: int
    reserved: int
    """By requests under way here."""


MOST_TOLD = 2_000
"""Budgets that metrics tell of: the first that somebody has spent of."""
AT_ONCE = 512
"""Budgets that are read in one turn of the event loop: some milliseconds."""


async def states_of(scopes: Sequence[BudgetScope]) -> list[BudgetState]:
    """Return the states of budgets that somebody has spent of, some of which are read at a time."""
    told: list[BudgetState] = []
    async for some in in_parts(scopes, AT_ONCE):
        told += (state for state in map(state_of, some) if state.used or state.reserved)
        if len(told) >= MOST_TOLD:
            break
    return told[:MOST_TOLD]


def state_of(scope: BudgetScope) -> BudgetState:
    """Return the state of a budget, as far as this process knows."""
    lease = scope.current()
    used = lease.limit - lease.room(0) - lease.reserved
    return BudgetState(scope, lease.limit, used, lease.reserved)


def budget_json(state: BudgetState, *, is_own: bool) -> dict[str, object]:
    """Return a budget for its client: of one that it shares, nothing of what others spend."""
    scope = state.scope
    told: dict[str, object] = {
        "scope": scope.kind,
        "name": scope.name,
        "period": scope.budget.period,
        "time_zone": scope.budget.time_zone,
        "resets_at": time_text(scope.period.ends),
        "limit_usd": usd_text(state.limit),
    }
    if is_own:
        told["used_usd"] = usd_text(state.used)
        told["reserved_usd"] = usd_text(state.reserved)
        told["remaining_usd"] = usd_text(state.limit - state.used - state.reserved)
    return told


def time_text(seconds: float | None) -> str | None:
    """Return a Unix time as text (RFC 3339)."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
