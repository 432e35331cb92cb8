"""All budgets of a snapshot: they reserve what a request may cost in all that bind it, or in none.

They live as long as the process: a reload changes amounts and forgets nothing that was spent.
"""

from __future__ import annotations

import asyncio
import time
from time import monotonic
from typing import TYPE_CHECKING

from airouter.bookkeeping.window import step_of
from airouter.failures import Failure, budget_spent, budget_unknown
from airouter.limits.budgets.budget_scope import NANODOLLARS, BudgetScope
from airouter.limits.budgets.spending import Spending

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from airouter.config.budget import Budget
    from airouter.config.snapshot import Auth, Snapshot
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
        self.by_tenant: dict[str, tuple[BudgetScope, ...]] = {}
        """The budgets of each client that has any."""
        self._asking: asyncio.Task[None] | None = None

    def reload(self, snapshot: Snapshot) -> None:
        """Set the budgets of a snapshot, in place of those before."""
        former, self._scopes = self._scopes, {}
        auth, self.by_tenant = snapshot.auth, {}
        for client in auth.clients:
            shared = shared_budgets(auth, client.groups, client.grant)
            own = [("client", client.name, budget) for budget in client.budgets]
            scopes = tuple(self._scope(*each, former) for each in (*own, *shared))
            if scopes:
                self.by_tenant[client.tenant] = scopes
        for key in former.keys() - self._scopes.keys():
            former[key].close()

    def _scope(
        self, kind: str, name: str, budget: Budget, former: dict[Key, BudgetScope]
    ) -> BudgetScope:
        key = (kind, name, budget.period, budget.time_zone)
        scope = self._scopes.get(key) or former.get(key)
        if scope is None:
            scope = BudgetScope(kind, name, budget, self._leases, self._clock)
        elif scope.budget != budget:
            scope.change(budget)
        self._scopes[key] = scope
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
        short = self._take(spending, amount)
        if short and self.ask is not None:
            try:
                async with asyncio.timeout(self._patience):
                    while short and all(self._need(each, amount) for each in short):
                        await self.ask()
                        short = self._take(spending, amount)
            except TimeoutError:
                pass
        if short:
            raise self._refusal(short[0], amount)
        return spending

    def extend(self, spending: Spending, amount: int) -> BudgetScope | None:
        """Do what `Spending.extend` says."""
        short = self._take(spending, amount, in_stream=True)
        if not short:
            spending.reserved += amount
            return None
        waits = [self._need(each, amount) for each in short]
        if False in waits:
            return short[waits.index(False)]
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._ask_once())
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
        self, spending: Spending, amount: int, *, in_stream: bool = False
    ) -> list[BudgetScope]:
        """Reserve in all budgets, or return those that have not enough."""
        step = self.step()
        lacking = [scope for scope, lease in spending.taken if not lease.has(step, amount)]
        short = [scope for scope in lacking if binds(scope, in_stream=in_stream)]
        if short:
            return short
        for _, lease in spending.taken:
            lease.take(step, amount)
        spending.warns = next((each for each in lacking if each.lease.is_spent), spending.warns)
        return []

    def _need(self, scope: BudgetScope, amount: int) -> bool:
        """Take note that the ledger is waited for; False where that is in vain."""
        lease, step = scope.lease, self.step()
        return lease.has(step, amount) or lease.need(step, amount)

    def _refusal(self, scope: BudgetScope, amount: int) -> Failure:
        lease, usd = scope.lease, scope.budget.usd
        if amount > lease.limit or (lease.contact.is_up and lease.room(self.step()) < amount):
            return budget_spent(scope.kind, scope.name, usd, scope.seconds_left)
        return budget_unknown(scope.kind, scope.name, DUE_SOON)


def binds(scope: BudgetScope, *, in_stream: bool) -> bool:
    """Return whether a budget that has not enough keeps a request, or a stream, from going on."""
    budget = scope.budget
    if not budget.refuses:
        return False
    # A ledger that is silent ends no stream: what that costs more is debt, and told later.
    return (budget.stops_streams and scope.lease.contact.is_up) if in_stream else True


def shared_budgets(
    auth: Auth, groups: Sequence[str], grant: str | None
) -> Iterator[tuple[str, str, Budget]]:
    """Yield the budgets that a client shares with others."""
    for group in auth.groups:
        if group.name in groups and group.budget is not None:
            yield "group", group.name, group.budget
    for each in auth.grants:
        if each.name == grant and each.budget is not None:
            yield "grant", each.name, each.budget


def in_nanodollars(picodollars: int) -> int:
    """Return a cost as budgets count it, rounded up."""
    return -(-picodollars // 1000)


def in_usd(nanodollars: int) -> str:
    """Return an amount in US dollars, as a decimal."""
    sign = "-" if nanodollars < 0 else ""
    whole, rest = divmod(abs(nanodollars), NANODOLLARS)
    return f"{sign}{whole}.{rest:09}".rstrip("0").rstrip(".")
