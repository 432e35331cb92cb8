"""Limits as they bind a request: it reserves in all of its scopes, or in none.

The scopes of a client are reserved once per request: the client, its use of the model, its groups,
the model. Those of a backend, the credential and its use of the upstream's model, once per attempt.
They live as long as the process: a reload changes limits and forgets nothing that was used.
"""

from __future__ import annotations

import asyncio
from fnmatch import fnmatchcase
from functools import partial
from itertools import chain
from time import monotonic
from typing import TYPE_CHECKING

from airouter.bookkeeping.window import STEPS_PER_SECOND, step_of
from airouter.config.snapshot import Limits
from airouter.failures import Failure, at_limit, drop_frames, kept_for_others
from airouter.limits.clients import Clients
from airouter.limits.counters import NO_COUNTERS, Counters
from airouter.limits.estimates import NOTHING, Estimates
from airouter.limits.permit import FREE, Permit
from airouter.limits.scope import Scope, longest
from airouter.limits.shared_scope import SharedScope
from airouter.limits.usage import most_used
from airouter.limits.waiting_line import WaitingLine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from airouter.config.snapshot import ClientKey, Model, Snapshot
    from airouter.dialects.client_request import ClientRequest
    from airouter.limits.estimates import TokenEstimate
    from airouter.limits.ledger.leases import Leases
    from airouter.limits.usage import LimitUsage

Scopes = tuple[Scope, ...]
PATIENCE = 0.05
"""Seconds that a request waits for the ledger."""
NO_LIMITS = Limits()
NOBODYS: Scopes = ()


class Bound:
    """The scopes of one client. Made when it asks first, and kept over reloads."""

    __slots__ = ("_limiter", "_own_for_models", "by_model", "client", "own")

    def __init__(self, limiter: Limiter, client: ClientKey) -> None:
        self._limiter = limiter
        self.client = client
        self.by_model: dict[str, Counters] = {}  # bounded by the catalog's names
        """What requests for a model take of, for those that were asked for."""
        self.own = limiter.own_scope("client", client.name, client.limits)
        self._own_for_models = [
            (
                entry.models,
                limiter.own_scope("client x model", f"{client.name}/{entry.models}", entry.limits),
            )
            for entry in client.model_limits
        ]

    @property
    def scopes(self) -> Scopes:
        """All that are the client's alone."""
        return (*self.own, *chain.from_iterable(own for _, own in self._own_for_models))

    def follow(self, client: ClientKey) -> bool:
        """Follow what a new snapshot says of the client; False where its own limits changed."""
        former, self.client = self.client, client
        self.by_model.clear()  # which has limits of groups, grants and models
        return client.limits == former.limits and client.model_limits == former.model_limits

    def for_model(self, model: str) -> Counters:
        """Return what requests for a model take of."""
        found = self.by_model.get(model)
        if found is not None:
            return found
        for_model = [own for glob, own in self._own_for_models if fnmatchcase(model, glob)]
        own = (*self.own, *chain.from_iterable(for_model))
        limiter, client = self._limiter, self.client
        with_others = [limiter.groups.get(name, NOBODYS) for name in client.groups]
        if client.grant is not None:
            with_others.append(limiter.grants.get(client.grant, NOBODYS))
        with_others.append(limiter.models.get(model, NOBODYS))
        shared = tuple(chain.from_iterable(with_others))
        spared = shared if client.is_batch else NOBODYS
        found = self.by_model[model] = Counters((*own, *shared), own, spared)
        return found


class Limiter:
    """Reserves requests and attempts. Lives as long as the process."""

    def __init__(
        self,
        clock: Callable[[], float] = monotonic,
        leases: Leases | None = None,
        patience: float = PATIENCE,
    ) -> None:
        """`clock` returns seconds; `leases` are those of limits that replicas share.

        `patience` is what a request waits for the ledger, in seconds.
        """
        self._patience = patience
        self._clock = clock
        self._leases = leases
        self._shares = False
        self.ask: Callable[[], Awaitable[None]] | None = None
        """Has the ledger asked for what requests wait for; None where there is none."""
        self._scopes: dict[tuple[str, str], Scope] = {}
        self._former: dict[tuple[str, str], Scope] = {}
        """Those of the snapshot before, during a reload."""
        self._clients = Clients()
        self._bounds: dict[str, Bound] = {}
        """The scopes of the clients that have asked."""
        self._own: dict[tuple[str, str], Scope] = {}
        """Those scopes, by kind and name."""
        self.estimates = Estimates()
        self._batch = WaitingLine()
        self.groups: dict[str, Scopes] = {}
        self.grants: dict[str, Scopes] = {}
        self.models: dict[str, Scopes] = {}
        self._of_nobody: dict[str, Counters] = {}
        """What requests for a model take of, of whom nobody declares."""

    def reload(self, snapshot: Snapshot, clients: Clients | None = None) -> None:
        """Set the limits of a snapshot, in place of those before.

        `clients` are those of the process; by default those that the snapshot declares.
        """
        shares = snapshot.ledger != "Local" and self._leases is not None
        if shares != self._shares:
            self._forget_all()
        self._shares = shares
        self._former, self._scopes = self._scopes, {}
        auth, models = snapshot.auth, snapshot.models
        self.groups = {
            each.name: self.scope("group", each.name, each.limits) for each in auth.groups
        }
        self.grants = {
            each.name: self.scope("grant", each.name, each.limits) for each in auth.grants
        }
        self.models = {each.name: self.scope("model", each.name, each.limits) for each in models}
        self._of_nobody = {name: Counters(scopes) for name, scopes in self.models.items()}
        for credential in snapshot.credentials:
            self.scope("credential", credential.name, credential.limits)
        for name, limits in limits_of_backends(models).items():
            self.scope("backend", name, limits)
        for key in self._former.keys() - self._scopes.keys():
            self._former[key].close()
        self._former = {}
        self._clients = Clients.of(auth) if clients is None else clients
        for tenant in list(self._bounds):
            self.renew(tenant)
        self._batch.limit(auth.batch_queue)
        self.estimates.keep_only({model.name for model in models})

    def renew(self, tenant: str) -> None:
        """Set the limits that a client has now, if it has asked before; forget one that is gone."""
        bound = self._bounds.get(tenant)
        if bound is None:
            return
        client = self._clients.find(tenant)
        if client is None:
            del self._bounds[tenant]
            self._drop(bound.scopes)
        elif not bound.follow(client):
            new = self._bounds[tenant] = Bound(self, client)
            self._drop(each for each in bound.scopes if each not in new.scopes)

    def _bound(self, tenant: str) -> Bound | None:
        """Return the scopes of a client; None for whom nobody declares."""
        bound = self._bounds.get(tenant)
        if bound is None and (client := self._clients.find(tenant)) is not None:
            bound = self._bounds[tenant] = Bound(self, client)
        return bound

    def _drop(self, scopes: Iterable[Scope]) -> None:
        """Forget scopes of clients."""
        for scope in scopes:
            del self._own[scope.kind, scope.name]
            scope.close()

    def _forget_all(self) -> None:
        """Forget all scopes: those that follow count elsewhere."""
        for scope in chain(self._scopes.values(), self._own.values()):
            scope.close()
        self._scopes, self._own, self._bounds = {}, {}, {}

    def own_scope(self, kind: str, name: str, limits: Limits) -> Scopes:
        """Return the scope of a client, with its limits now; empty where it has none."""
        if limits == NO_LIMITS:
            return ()
        key = (kind, name)
        scope = self._own.get(key)
        if scope is None:
            scope = self._own[key] = self._new(kind, name)
        if scope.limits != limits:
            scope.limit(limits)
        return (scope,)

    def scope(self, kind: str, name: str, limits: Limits) -> Scopes:
        """Return the scope of a name that is nobody's own; empty where it has no limit."""
        if limits == NO_LIMITS:
            return ()
        key = (kind, name)
        scope = self._scopes[key] = self._former.get(key) or self._new(kind, name)
        scope.limit(limits)
        return (scope,)

    def _new(self, kind: str, name: str) -> Scope:
        if self._shares and self._leases is not None:
            return SharedScope(kind, name, self._leases)
        return Scope(kind, name)

    def find(self, kind: str, name: str) -> Scope | None:
        """Return the scope of a name; None where it has no limit."""
        return self._scopes.get((kind, name)) or self._own.get((kind, name))

    async def most_used(self) -> list[LimitUsage]:
        """Return the limits that are used most, the fullest first."""
        return await most_used([*self._scopes.values(), *self._own.values()], self._clock)

    def of_backend(self, credential: str, upstream_name: str) -> Counters | None:
        """Return what an attempt at a backend takes of; None where it has no limit."""
        found = self._scopes.get
        scopes = (
            found(("credential", credential)),
            found(("backend", backend_name(credential, upstream_name))),
        )
        limited = tuple(scope for scope in scopes if scope is not None)
        return Counters(limited) if limited else None

    def reserve(
        self, tenant: str, model: str, request: ClientRequest, *, is_part: bool = False
    ) -> Permit:
        """Reserve a request of a client for a model. Raises `Failure` 429.

        `is_part` is True for one that is made for another, which has reserved already.
        """
        bound = self._bounds.get(tenant)
        counters = None if bound is None else bound.by_model.get(model)
        if counters is None:  # asked for the first time
            counters = self._counters(tenant, model)
        if not counters.scopes:
            return FREE
        if counters.spared:
            leave_some(counters.spared, step_of(self._clock()))
        if is_part:
            counters = counters.part()
        return self.reserve_attempt(counters, model, request)

    def _counters(self, tenant: str, model: str) -> Counters:
        """Return what a request of a client for a model takes of."""
        bound = self._bound(tenant)
        if bound is None:
            return self._of_nobody.get(model, NO_COUNTERS)
        return bound.for_model(model)

    def own_scopes(self, tenant: str) -> Scopes:
        """Return the scopes that are a client's alone, those for some models included."""
        bound = self._bound(tenant)
        return NOBODYS if bound is None else bound.scopes

    def refused(self, tenant: str, model: str) -> Permit:
        """Return the permit of a request that got none, which tells of its client's limits."""
        bound = self._bound(tenant)
        if bound is None:
            return FREE
        return Permit(Counters((), bound.for_model(model).own), 0, NOTHING)

    async def reserve_later(
        self,
        tenant: str,
        model: str,
        request: ClientRequest,
        refused: Failure,
        *,
        is_part: bool = False,
    ) -> Permit:
        """Reserve a request that was refused, once there is room for it.

        It waits a moment for the ledger, and, of a client that waits, for others to end. Raises
        the last refusal.
        """
        bound = self._bound(tenant)
        if self.ask is None and (bound is None or not bound.client.is_batch):
            raise refused
        reserve = partial(self.reserve, tenant, model, request, is_part=is_part)
        counters = self._counters(tenant, model)
        if is_part:
            counters = counters.part()
        need = partial(self._need, counters, self._estimate(counters, model, request))
        if bound is None or not bound.client.is_batch:
            return await self._reserve_of_ledger(reserve, need, refused)

        async def again() -> Permit:
            try:
                return reserve()
            except Failure as still:
                return await self._reserve_of_ledger(reserve, need, still)

        return await self._batch.wait(tenant, again, refused)

    async def reserve_attempt_later(
        self,
        counters: Counters,
        model: str,
        request: ClientRequest,
        known: TokenEstimate,
        refused: Failure,
    ) -> Permit:
        """Reserve an attempt that was refused, if the ledger has room. Raises the last refusal."""
        if self.ask is None:
            raise refused
        estimate = known if known is not NOTHING else self._estimate(counters, model, request)
        reserve = partial(self.reserve_attempt, counters, model, request, estimate)
        return await self._reserve_of_ledger(
            reserve, partial(self._need, counters, estimate), refused
        )

    async def _reserve_of_ledger(
        self, reserve: Callable[[], Permit], need: Callable[[], bool], refused: Failure
    ) -> Permit:
        """Reserve what the ledger grants within a moment. Raises the last refusal."""
        try:
            async with asyncio.timeout(self._patience):
                # Another ledger may take the place of this one meanwhile, or none.
                while self.ask is not None and need():
                    await self.ask()
                    try:
                        return reserve()
                    except Failure as again:
                        refused = again
        except TimeoutError:
            pass
        drop_frames(refused)
        raise refused

    def _need(self, counters: Counters, estimate: TokenEstimate) -> bool:
        """Take note of a request that waits for the ledger; False where it waits in vain."""
        step, tokens = step_of(self._clock()), estimate.tokens
        short = [each for each in counters.amounts(tokens) if not each[0].has(step, each[1])]
        return bool(short) and all(counter.need(step, amount) for counter, amount in short)

    def reserve_attempt(
        self, counters: Counters, model: str, request: ClientRequest, known: TokenEstimate = NOTHING
    ) -> Permit:
        """Reserve an attempt at a backend. Raises `Failure` 429.

        `known` is what was estimated for the request before.
        """
        is_new = known is NOTHING
        estimate = self._estimate(counters, model, request) if is_new else known
        step = int(self._clock() * STEPS_PER_SECOND)
        if not counters.take(step, estimate.tokens):
            raise longest_refusal(counters.scopes, step, estimate.tokens)
        return Permit(counters, step, estimate, self._clock, is_new)

    def _estimate(self, counters: Counters, model: str, request: ClientRequest) -> TokenEstimate:
        """Return the tokens of a request, where a scope limits any."""
        return self.estimates.of(model, request) if counters.limit_tokens else NOTHING


def limits_of_backends(models: Iterable[Model]) -> dict[str, Limits]:
    """Return the limits of backends by name: the stricter ones where several models limit one."""
    found: dict[str, Limits] = {}
    for backend in (each for model in models for tier in model.tiers for each in tier):
        name = backend_name(backend.credential, backend.upstream_name)
        found[name] = found.get(name, NO_LIMITS).lowered_to(backend.limits)
    return found


def backend_name(credential: str, upstream_name: str) -> str:
    """Return the name of a backend's scope."""
    return f"{credential}/{upstream_name}"


def leave_some(shared: Scopes, step: int) -> None:
    """Have batch requests leave the last of what is shared to others. Raises `Failure` 429."""
    for scope in shared:
        if scope.is_scarce(step):
            raise kept_for_others(scope.kind, scope.name)


def longest_refusal(scopes: Scopes, step: int, tokens: int) -> Failure:
    """Return why there is no room: the scope that takes longest to have some."""
    short = [each for each in scopes if not each.has_room(step, tokens)]
    found = longest(each.shortage(step, tokens) for each in short)
    return at_limit(found.scope.kind, found.scope.name, found.of, found.limit, found.wait)
