"""The money that one request has reserved, of all budgets that bind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.limits.budgets.budget_scope import BudgetScope
    from airouter.limits.budgets.budgets import Budgets
    from airouter.limits.estimates import TokenEstimate
    from airouter.limits.ledger.budget_lease import BudgetLease

    Taken = Sequence[tuple[BudgetScope, BudgetLease]]


class Spending:
    """A reservation, in billionths of a US dollar; to be ended once, however the request ends."""

    __slots__ = ("_budgets", "_step", "estimate", "reserved", "taken", "warns", "was_refused")

    def __init__(self, budgets: Budgets, taken: Taken, step: int, estimate: TokenEstimate) -> None:
        self._budgets = budgets
        self._step = step
        self.taken = taken
        self.reserved = 0
        self.estimate = estimate
        """The tokens that it is for."""
        self.warns: BudgetScope | None = None
        """A budget that is spent and refuses nothing, of which the client is told."""
        self.was_refused = False
        """Whether the ledger was asked last for more than it had."""

    def extend(self, amount: int) -> BudgetScope | None:
        """Reserve more for a stream; return the budget that has nothing left for it, if one has.

        Where the ledger has to be asked first, nothing is reserved yet.
        """
        return self._budgets.extend(self, amount)

    async def add(self, amount: int) -> None:
        """Reserve more for a request that nobody has answered yet. Raises `Failure` 429."""
        await self._budgets.add(self, amount)

    def settle(self, used: int) -> None:
        """Pay for the request."""
        taken, self.taken = self.taken, ()
        if not (self.reserved or used):  # it was refused, or has no price
            return
        step, owes = self._budgets.step(), False
        for _, lease in taken:
            lease.settle(self._step, step, self.reserved, used)
            owes = owes or lease.left < 0
        if owes:
            self._budgets.tell_debts(taken)

    def give_back(self) -> None:
        """End a request that nobody has answered: it costs nothing."""
        self.settle(0)
