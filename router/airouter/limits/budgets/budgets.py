"""All budgets of a snapshot: they reserve what a request may cost in all that bind it, or in none.

They live as long as the process: a reload changes amounts and forgets nothing that was spent.
"""

from __future__ import annotations

import asyncio
import time
from time import monotonic
from typing import TYPE_CHECKING

from airouter.bookkeeping.window import step_of
from airouter.config.snapshot import tenant_of
from airouter.failures import Failure, budget_spent, budget_unknown
from airouter.limits.budgets.budget_scope import BudgetScope
from airouter.limits.budgets.spending import Spending
from airouter.limits.clients import Clients

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence

    from airouter.config.budget import PeriodBudget
    from airouter.config.snapshot import ClientKey, Snapshot
    from airouter.limits.budgets.spending import Taken
    from airouter.limits.estimates import TokenEstimate
    from airouter.limits.ledger.leases import Leases

    Key = tuple[str, str, str, str]
    """Kind and name of whom a budget is for, its period, and its time zone."""

PATIENCE = 2.0
"""Seconds that a request waits for the ledger: for an exchange that is under way and its own, and
for what has to be written down before it is granted, which the operator does once a second."""
OF_A_LOOK = 0.5
"""Seconds that one who only wants to know waits for it."""
AGAIN = 0.2
"""Seconds after which the ledger is asked again for what it could not grant yet."""
MOST_AT_ONCE = 10**15
"""Billionths of a US dollar: a million dollars, which is more than a budget, and ledgers hold."""
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
        self._clients = Clients()
        self._shared: dict[tuple[str, str], PeriodBudget] = {}
        """Kind and name to what groups and grants have together."""
        self._scopes: dict[Key, BudgetScope] = {}
        self._by_tenant: dict[str, tuple[BudgetScope, ...]] = {}
        """The budgets of each tenant that has asked."""
        self.are_declared = False
        """True where somebody may have a budget."""
        self._asking: asyncio.Task[None] | None = None
        self._waiting: dict[Spending, int] = {}
        """What streams want once the ledger has been asked for it."""

    def reload(self, snapshot: Snapshot, clients: Clients | None = None) -> None:
        """Set the budgets of a snapshot, in place of those before.

        `clients` are those of the process; by default those that the snapshot declares. It costs
        what those cost who have asked: the budgets of others are opened when they do.
        """
        auth = snapshot.auth
        self._clients = Clients.of(auth) if clients is None else clients
        groups = {("group", each.name): each.budget for each in auth.groups}
        shared = groups | {("grant", each.name): each.budget for each in auth.grants}
        self._shared = {key: each for key, each in shared.items() if each is not None}
        self.are_declared = bool(self._shared) or self._clients.have_budgets
        self._by_tenant = {}
        for key, scope in list(self._scopes.items()):
            declared = self._declared(scope.kind, scope.name)
            if scope.budget not in declared:
                self._follow(key, scope, declared)

    def _follow(self, key: Key, scope: BudgetScope, declared: Sequence[PeriodBudget]) -> None:
        """Change a budget to what is declared for its period; close it where nothing is."""
        same = [each for each in declared if period_of(each) == period_of(scope.budget)]
        if same:
            scope.change(same[0])
        else:
            self._close(key)

    def of(self, tenant: str) -> Sequence[BudgetScope]:
        """Return the budgets that bind a tenant."""
        found = self._by_tenant.get(tenant)
        if found is None:
            found = self._by_tenant[tenant] = tuple(self._scopes_of(self._clients.find(tenant)))
        return found

    def renew(self, tenant: str) -> None:
        """Have a client that showed a token be bound as it is now."""
        self._by_tenant.pop(tenant, None)

    def forget(self, tenants: Collection[str]) -> None:
        """Forget clients that are not known any more; what they have spent the ledger knows."""
        gone = frozenset(tenants)
        for tenant in gone:
            self._by_tenant.pop(tenant, None)
        for key in [
            key for key in self._scopes if key[0] == "client" and tenant_of(key[1]) in gone
        ]:
            self._close(key)

    def _close(self, key: Key) -> None:
        self._scopes.pop(key).close()

    def _declared(self, kind: str, name: str) -> Sequence[PeriodBudget]:
        """Return the budgets that somebody has by the snapshot."""
        if kind != "client":
            return [self._shared[kind, name]] if (kind, name) in self._shared else []
        client = self._clients.find(tenant_of(name))
        return () if client is None else client.budgets

    def _scopes_of(self, client: ClientKey | None) -> Iterator[BudgetScope]:
        """Yield the budgets that bind a client."""
        if client is None:
            return
        for kind, name in (("client", client.name), *shared_with(client)):
            for budget in self._declared(kind, name):
                yield self._scope(kind, name, budget)

    def _scope(self, kind: str, name: str, budget: PeriodBudget) -> BudgetScope:
        key = (kind, name, *period_of(budget))
        scope = self._scopes.get(key)
        if scope is None:
            scope = BudgetScope(kind, name, budget, self._leases, self._clock)
            self._scopes[key] = scope
        elif scope.budget != budget:
            scope.change(budget)
        return scope

    @property
    def scopes(self) -> Sequence[BudgetScope]:
        """All budgets that bind somebody who has asked."""
        return list(self._scopes.values())

    def step(self) -> int:
        """Return the step that it is for leases."""
        return step_of(self._stopwatch())

    def reserve(
        self, scopes: Sequence[BudgetScope], amount: int, estimate: TokenEstimate
    ) -> tuple[Spending, Sequence[BudgetScope]]:
        """Reserve so much, in billionths of a US dollar, for the tokens of an estimate.

        Returns the budgets that have not enough, too: where there are some, nothing is reserved.
        """
        step = self.step()
        taken = [(each, each.current()) for each in scopes]
        spending = Spending(self, taken, step, estimate)
        return spending, self._take(spending, amount, step, refuses)

    async def reserve_later(
        self, spending: Spending, amount: int, short: Sequence[BudgetScope]
    ) -> None:
        """Reserve so much once the ledger has granted it. Raises `Failure` 429."""
        if self.ask is not None:
            try:
                async with asyncio.timeout(self._patience):
                    # Another ledger may take the place of this one meanwhile, or none.
                    while await self._may_ask(short, amount) and self.ask is not None:
                        await self.ask()
                        short = self._take(spending, amount, self.step(), refuses)
            except TimeoutError:
                pass
        if short:
            raise self._refusal(short, amount)

    async def add(self, spending: Spending, amount: int) -> None:
        """Do what `Spending.add` says."""
        short = self._take(spending, amount, self.step(), refuses)
        if short:
            await self.reserve_later(spending, amount, short)

    def extend(self, spending: Spending, amount: int) -> BudgetScope | None:
        """Do what `Spending.extend` says."""
        step = self.step()
        short = self._take(spending, amount, step, ends_streams)
        in_vain = [each for each in short if not self._need(each, amount)]
        for scope in short if spending.was_refused else in_vain:
            if self._is_short_of(scope, amount):
                return scope
        if short and not in_vain:
            self._waiting[spending] = amount
            self._ask_beside()
            return None
        if in_vain:  # a ledger that may not grant yet ends no stream: it is told later
            self._take(spending, amount, step, nothing_binds)
        return None

    def tell_debts(self, taken: Taken) -> None:
        """Have the ledger told now of what nobody had reserved: it would die with this process."""
        owing = [lease for _, lease in taken if lease.left < 0 and lease.contact.is_up]
        if owing:
            owing[0].contact.in_need.update(owing)
            self._ask_beside()

    async def look(self, scopes: Sequence[BudgetScope]) -> None:
        """Have the ledger tell what is left of budgets now, if it does so in time."""
        for scope in scopes:
            lease = scope.current()
            lease.contact.touched.add(lease)
            lease.contact.in_need.add(lease)
        if self.ask is not None:
            try:
                async with asyncio.timeout(OF_A_LOOK):
                    await self.ask()
            except TimeoutError:
                pass

    def _ask_beside(self) -> None:
        """Have the ledger asked for what is needed, and told of debts."""
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._ask_once())

    async def _ask_once(self) -> None:
        try:
            while self.ask is not None:
                asked, self._waiting = self._waiting, {}
                await self.ask()
                self._take_what_came(asked)
                if not self._waiting:
                    return
        finally:
            self._asking = None

    def _take_what_came(self, asked: Mapping[Spending, int]) -> None:
        """Reserve what streams have asked for, or have them end where the ledger has not so much.

        Not when they look next: a slow one does so when that was given back, or asked for anew.
        """
        for spending, amount in asked.items():
            if spending.taken:  # it has not ended
                latest = self._waiting.pop(spending, amount)
                short = self._take(spending, latest, self.step(), ends_streams)
                spending.was_refused = bool(short)

    def _take(
        self, spending: Spending, amount: int, step: int, binds: Callable[[BudgetScope], bool]
    ) -> Sequence[BudgetScope]:
        """Reserve in all budgets, or return those that have not enough, and bind."""
        lacking = [scope for scope, lease in spending.taken if not lease.has(step, amount)]
        if lacking:
            short = [scope for scope in lacking if binds(scope)]
            if short:
                return short
            for scope in lacking:
                if scope.lease.is_spent:
                    spending.warns = scope
                    scope.fell_short = True
        for _, lease in spending.taken:
            lease.take(step, amount)
        spending.reserved += amount
        spending.was_refused = False
        return ()

    def _wait_for(self, short: Sequence[BudgetScope], amount: int) -> bool:
        """Take note that the ledger is waited for; False where that is in vain, or not needed."""
        return bool(short) and all(self._need(each, amount) for each in short)

    async def _may_ask(self, short: Sequence[BudgetScope], amount: int) -> bool:
        """Do what `_wait_for` does, after a moment where the ledger has to write first."""
        if self._wait_for(short, amount):
            return True
        if not (short and all(self._may_come(each, amount) for each in short)):
            return False
        await asyncio.sleep(AGAIN)
        for scope in short:
            scope.lease.refused_until = 0
        return self._wait_for(short, amount)

    def _may_come(self, scope: BudgetScope, amount: int) -> bool:
        """Return whether a budget has so much, and its ledger has to write it down first."""
        lease = scope.lease
        has_so_much = lease.contact.is_up and not self._is_short_of(scope, amount)
        return has_so_much and (lease.may_come or lease.may_get(self.step(), amount))

    def _need(self, scope: BudgetScope, amount: int) -> bool:
        """Take note that the ledger is waited for; False where that is in vain."""
        lease, step = scope.lease, self.step()
        return lease.has(step, amount) or lease.need(step, amount)

    def _is_short_of(self, scope: BudgetScope, amount: int) -> bool:
        """Return whether the ledger has said that there is not so much."""
        lease = scope.lease
        return amount > lease.limit or (lease.contact.is_up and lease.room(self.step()) < amount)

    def _refusal(self, short: Sequence[BudgetScope], amount: int) -> Failure:
        """Return why there is no money: of one that is spent, or else that nobody knows."""
        for scope in short:
            if self._is_short_of(scope, amount):
                scope.fell_short = True
                usd = scope.budget.usd
                return budget_spent(scope.kind, scope.name, usd, scope.seconds_left)
        return budget_unknown(short[0].kind, short[0].name, DUE_SOON)


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


def period_of(budget: PeriodBudget) -> tuple[str, str]:
    """Return the period of a budget and its time zone: another one is another budget."""
    return budget.period, budget.time_zone


def shared_with(client: ClientKey) -> Iterator[tuple[str, str]]:
    """Yield kind and name of what a client shares with others."""
    for name in client.groups:
        yield "group", name
    if client.grant is not None:
        yield "grant", client.grant


def in_nanodollars(picodollars: int) -> int:
    """Return a cost as budgets count it, rounded up; of what no budget has, `MOST_AT_ONCE`."""
    return min(-(-picodollars // 1000), MOST_AT_ONCE)
