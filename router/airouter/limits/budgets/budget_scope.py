"""The budget of one name: a client, a group, or a grant."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from airouter.bookkeeping.money import nanodollars_in
from airouter.bookkeeping.periods import period_at
from airouter.limits.ledger.budget_lease import BudgetLease

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.config.budget import PeriodBudget
    from airouter.limits.ledger.leases import Leases

LONGER = 7 * 86_400
"""Seconds for which a ledger keeps a budget after its period."""
FOR_GOOD = 10 * 366 * 86_400
"""Seconds for which it keeps one without an end, after it was last asked for it."""


class BudgetScope:
    """One budget, which begins anew with each period."""

    __slots__ = (
        "_clock",
        "_key",
        "_leases",
        "_zone",
        "budget",
        "fell_short",
        "kind",
        "lease",
        "name",
        "period",
    )

    def __init__(
        self, kind: str, name: str, budget: PeriodBudget, leases: Leases, clock: Callable[[], float]
    ) -> None:
        """`clock` returns Unix seconds."""
        self.kind = kind
        self.name = name
        self._leases = leases
        self._clock = clock
        self._key = f"budget:{kind}:{name}"
        self._zone = ZoneInfo(budget.time_zone)
        self.budget = budget
        self.fell_short = False
        """Whether it had not enough for a request, since somebody looked last."""
        self._begin()

    def change(self, budget: PeriodBudget) -> None:
        """Change the amount, or what happens once it is spent; not the periods."""
        self.budget = budget
        self.lease = self._open()
        self.lease.refused_until = 0
        self.lease.keep_to_limit()

    def current(self) -> BudgetLease:
        """Return the lease of the period that it is, also for a clock that was set back."""
        period, now = self.period, self._clock()
        if period.ends is None:
            return self.lease
        if period.begins <= now < period.ends:
            self.lease.keeps = int(period.ends - now) + LONGER
        else:
            self.close()
            self._begin()
        return self.lease

    def close(self) -> None:
        """Spend nothing more of this period; requests in flight are still paid for by it."""
        self._leases.let_go(self.lease)

    @property
    def seconds_left(self) -> float | None:
        """The seconds until it begins anew; None where it never does."""
        ends = self.period.ends
        return None if ends is None else max(1.0, ends - self._clock())

    def _begin(self) -> None:
        self.period = period_at(self.budget.period, self._zone, self._clock())
        self.lease = self._open()

    def _open(self) -> BudgetLease:
        limit = nanodollars_in(self.budget.usd)
        lease = self._leases.open(BudgetLease, f"{self._key}:{self.period.name}", limit)
        left = self.seconds_left
        lease.keeps = FOR_GOOD if left is None else int(left) + LONGER
        return lease
