"""All budgets of a snapshot: they reserve what a request may cost in all that bind it, or in none.

They live as long as the process: a reload changes amounts and forgets nothing that was spent.
"""

from __future__ import annotations

import asyncio
import time
from itertools import chain
from time import monotonic
from typing import TYPE_CHECKING

from airouter.bookkeeping.window import step_of
from airouter.failures import Failure, budget_spent, budget_unknown
from airouter.limits.budgets.budget_scope import BudgetScope
from airouter.limits.budgets.spending import Spending

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from airouter.config.budget import PeriodBudget
    from airouter.config.snapshot import ClientKey, Snapshot
    from airouter.limits.ledger.leases import Leases

    Key = tuple[str, str, str, str]
    """Kind and name of whom a budget is for, its period, and its time zone."""

PATIENCE = 0.5
"""Seconds that a request waits for the ledger, which answers or fails within them."""
DUE_SOON = 1.0
"""Seconds after which a ledger that does not answer may."""


class Budgets:
    """Reserves money for requests. Lives as long as the process."""

    def __init__(
        self,
        leases: Leases,
        clock: Callable[[], float] = time.time,
        stopwatch: Callable[[], float] = monotonic,
        patience: float = PATIENCE,
    ) -> None:
        """`clock` returns Unix seconds, `stopwatch` seconds as that of `leases` does."""
        self._leases = leases
        self._clock = clock
        self._stopwatch = stopwatch
        self._patience = patience
        self.ask: Callable[[], Awaitable[None]] | None = None
        """Has the ledger asked for what requests wait for; None where there is none."""
        self._scopes: dict[Key, BudgetScope] = {}
        self._shared: dict[tuple[str, str], PeriodBudget | None] = {}
        """Those of groups and grants, by kind and name."""
        self._bound: dict[str, tuple[ClientKey, tuple[BudgetScope, ...]]] = {}
        """All clients by their names, with their budgets."""
        self.by_tenant: dict[str, tuple[BudgetScope, ...]] = {}
        """The budgets of each client that has any."""
        self._asking: asyncio.Task[None] | None = None

    def reload(self, snapshot: Snapshot) -> None:
        """Set the budgets of a snapshot, in place of those before."""
        auth, self.by_tenant = snapshot.auth, {}
        shared = {("group", each.name): each.budget for each in auth.groups}
        shared |= {("grant", each.name): each.budget for each in auth.grants}
        known = self._bound if shared == self._shared else {}
        self._shared, self._bound = shared, {}
        for client in auth.clients:
            bound = known.get(client.name)
            if bound is None or bound[0] != client:  # few have changed, of thousands
                bound = client, self._scopes_of(client)
            self._bound[client.name] = bound
            if bound[1]:
                self.by_tenant[client.tenant] = bound[1]
        used = set(chain.from_iterable(self.by_tenant.values()))
        for key, scope in list(self._scopes.items()):
            if scope not in used:
                scope.close()
                del self._scopes[key]

    def _scopes_of(self, client: ClientKey) -> tuple[BudgetScope, ...]:
        """Return the budgets of a client, as they are now."""
        declared = [("client", client.name, budget) for budget in client.budgets]
        found = [(*whose, self._shared.get(whose)) for whose in shared_with(client)]
        declared += [(kind, name, each) for kind, name, each in found if each is not None]
        return tuple(self._scope(*each) for each in declared)

    def _scope(self, kind: str, name: str, budget: PeriodBudget) -> BudgetScope:
        key = (kind, name, budget.period, budget.time_zone)
        scope = self._scopes.get(key)
        if scope is None:
            scope = BudgetScope(kind, name, budget, self._leases, self._clock)
            self._scopes[key] = scope
        elif scope.budget != budget:
            scope.change(budget)
        return scope

    @property
    def scopes(self) -> Sequence[BudgetScope]:
        """All budgets that bind somebody."""
        return list(self._scopes.values())

    def step(self) -> int:
        """Return the step that it is for leases."""
        return step_of(self._stopwatch())

    async def reserve(self, scopes: Sequence[BudgetScope], amount: int) -> Spending:
        """Reserve so much, in billionths of a US dollar. Raises `Failure` 429."""
        spending = Spending(self, [(each, each.current()) for each in scopes], self.step(), amount)
        short = self._take(spending, amount, refuses)
        if short and self.ask is not None:
            try:
                async with asyncio.timeout(self._patience):
                    while short and all(self._need(each, amount) for each in short):
                        await self.ask()
                        short = self._take(spending, amount, refuses)
            except TimeoutError:
                pass
        if short:
            raise self._refusal(short[0], amount)
        return spending

    def extend(self, spending: Spending, amount: int) -> BudgetScope | None:
        """Do what `Spending.extend` says."""
        short = self._take(spending, amount, ends_streams)
        in_vain = [each for each in short if not self._need(each, amount)]
        for scope in in_vain:
            if self._is_short_of(scope, amount):
                return scope
        if short and not in_vain:
            if self._asking is None:
                self._asking = asyncio.ensure_future(self._ask_once())
            return None
        if in_vain:  # a ledger that may not grant yet ends no stream: it is told later
            self._take(spending, amount, nothing_binds)
        spending.reserved += amount
        return None

    async def look(self, scopes: Sequence[BudgetScope]) -> None:
        """Have the ledger tell what is left of budgets now, if it does so in time."""
        for scope in scopes:
            lease = scope.current()
            lease.contact.touched.add(lease)
            lease.contact.in_need.add(lease)
        if self.ask is not None:
            try:
                async with asyncio.timeout(self._patience):
                    await self.ask()
            except TimeoutError:
                pass

    async def _ask_once(self) -> None:
        try:
            if self.ask is not None:
                await self.ask()
        finally:
            self._asking = None

    def _take(
        self, spending: Spending, amount: int, binds: Callable[[BudgetScope], bool]
    ) -> list[BudgetScope]:
        """Reserve in all budgets, or return those that have not enough, and bind."""
        step = self.step()
        lacking = [scope for scope, lease in spending.taken if not lease.has(step, amount)]
        short = [scope for scope in lacking if binds(scope)]
        if short:
            return short
        for _, lease in spending.taken:
            lease.take(step, amount)
        for scope in lacking:
            if scope.lease.is_spent:
                spending.warns = scope
                scope.fell_short = True
        return []

    def _need(self, scope: BudgetScope, amount: int) -> bool:
        """Take note that the ledger is waited for; False where that is in vain."""
        lease, step = scope.lease, self.step()
        return lease.has(step, amount) or lease.need(step, amount)

    def _is_short_of(self, scope: BudgetScope, amount: int) -> bool:
        """Return whether the ledger has said that there is not so much."""
        lease = scope.lease
        return amount > lease.limit or (lease.contact.is_up and lease.room(self.step()) < amount)

    def _refusal(self, scope: BudgetScope, amount: int) -> Failure:
        if self._is_short_of(scope, amount):
            scope.fell_short = True
            usd = scope.budget.usd
            return budget_spent(scope.kind, scope.name, usd, scope.seconds_left)
        return budget_unknown(scope.kind, scope.name, DUE_SOON)


def refuses(scope: BudgetScope) -> bool:
    """Return whether requests are refused for which a budget has not enough."""
    return scope.budget.refuses


def ends_streams(scope: BudgetScope) -> bool:
    """Return whether streams end for which it has not enough: none while the ledger is silent."""
    budget = scope.budget
    return budget.refuses and budget.stops_streams and scope.lease.contact.is_up


def nothing_binds(scope: BudgetScope) -> bool:  # noqa: ARG001  # as the others
    """Return False: what is missing is debt."""
    return False


def shared_with(client: ClientKey) -> Iterator[tuple[str, str]]:
    """Yield kind and name of what a client shares with others."""
    for name in client.groups:
        yield "group", name
    if client.grant is not None:
        yield "grant", client.grant


def in_nanodollars(picodollars: int) -> int:
    """Return a cost as budgets count it, rounded up."""
    return -(-picodollars // 1000)
