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

from airouter.bookkeeping.window import step_of
from airouter.config.snapshot import ClientKey, Limits
from airouter.failures import Failure, at_limit, drop_frames, kept_for_others
from airouter.limits.estimates import NOTHING, Estimates
from airouter.limits.permit import FREE, Permit
from airouter.limits.scope import Scope, longest
from airouter.limits.shared_scope import SharedScope
from airouter.limits.usage import most_used
from airouter.limits.waiting_line import WaitingLine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airouter.config.snapshot import Auth, Snapshot
    from airouter.dialects.client_request import ClientRequest
    from airouter.limits.estimates import TokenEstimate
    from airouter.limits.ledger.leases import Leases
    from airouter.limits.usage import LimitUsage

Scopes = tuple[Scope, ...]
PATIENCE = 0.05
"""Seconds that a request waits for the ledger."""
MOST_MET = 16_384
"""Clients of tokens that are known: more than tokens that `auth/tokens.py` remembers."""
FORGOTTEN_AT_ONCE = 1_024
NO_LIMITS = Limits()
NOBODYS: Scopes = ()


class Bound:
    """The scopes of one client."""

    __slots__ = (
        "_by_model",
        "_limiter",
        "_own_for_models",
        "_shared",
        "client",
        "is_batch",
        "own",
        "scopes",
    )

    def __init__(self, limiter: Limiter, client: ClientKey) -> None:
        self._limiter = limiter
        self.client = client
        self.is_batch = client.is_batch
        self._by_model: dict[str, tuple[Scopes, Scopes]] = {}  # bounded by the catalog's names
        self.own = limiter.scope("client", client.name, client.limits)
        self._own_for_models = [
            (
                entry.models,
                limiter.scope("client x model", f"{client.name}/{entry.models}", entry.limits),
            )
            for entry in client.model_limits
        ]
        alone = chain(self.own, *(scopes for _, scopes in self._own_for_models))
        self.scopes = {(scope.kind, scope.name): scope for scope in alone}
        """Those that are the client's alone, as the limiter has them."""
        shared = [limiter.groups.get(name, NOBODYS) for name in client.groups]
        if client.grant is not None:
            shared.append(limiter.grants.get(client.grant, NOBODYS))
        self._shared = tuple(chain.from_iterable(shared))

    def for_model(self, model: str) -> tuple[Scopes, Scopes]:
        """Return the scopes of a request for a model, and those of them that nobody shares."""
        found = self._by_model.get(model)
        if found is None:
            for_model = [own for glob, own in self._own_for_models if fnmatchcase(model, glob)]
            own = (*self.own, *chain.from_iterable(for_model))
            found = (*own, *self._shared, *self._limiter.models.get(model, NOBODYS)), own
            self._by_model[model] = found
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
        self._has_stale = False
        """Whether there may be leases of limits that are no more."""
        self.ask: Callable[[], Awaitable[None]] | None = None
        """Has the ledger asked for what requests wait for; None where there is none."""
        self._scopes: dict[tuple[str, str], Scope] = {}
        self._former: dict[tuple[str, str], Scope] = {}
        """Those of the snapshot before, during a reload."""
        self._clients: dict[str, Bound] = {}
        self._met: dict[str, str] = {}
        """The rules by which clients are known that showed a token, those met last at the end."""
        self.estimates = Estimates()
        self._batch = WaitingLine()
        self.groups: dict[str, Scopes] = {}
        self.grants: dict[str, Scopes] = {}
        self.models: dict[str, Scopes] = {}

    def reload(self, snapshot: Snapshot) -> None:
        """Set the limits of a snapshot, in place of those before."""
        shares = snapshot.ledger != "Local" and self._leases is not None
        goes_on = shares == self._shares
        self._former, self._scopes = (self._scopes if goes_on else {}), {}
        self._shares = shares
        auth, models = snapshot.auth, snapshot.models
        shared_before = (self.groups, self.grants, self.models)
        self.groups = {
            each.name: self.scope("group", each.name, each.limits) for each in auth.groups
        }
        self.grants = {
            each.name: self.scope("grant", each.name, each.limits) for each in auth.grants
        }
        self.models = {each.name: self.scope("model", each.name, each.limits) for each in models}
        goes_on = goes_on and shared_before == (self.groups, self.grants, self.models)
        known = self._clients if goes_on else {}
        self._clients = {c.tenant: self._bound(c, known.get(c.tenant)) for c in auth.clients}
        self._meet_again(auth)
        for credential in snapshot.credentials:
            self.scope("credential", credential.name, credential.limits)
        for backend in (each for model in models for tier in model.tiers for each in tier):
            self.scope(
                "backend", backend_name(backend.credential, backend.upstream_name), backend.limits
            )
        self._has_stale = self._has_stale or not self._former.keys() <= self._scopes.keys()
        self._former = {}
        self._keep_leases()
        self._batch.limit(auth.batch_queue)
        self.estimates.keep_only({model.name for model in models})

    def _bound(self, client: ClientKey, former: Bound | None) -> Bound:
        """Return the scopes of a client: there are thousands, and few of them have changed."""
        if former is None or former.client != client:
            return Bound(self, client)
        self._scopes.update(former.scopes)
        return former

    def meet(self, client: ClientKey, rule: str) -> None:
        """Take in a client that showed a token, and the name of the rule by which it is known."""
        self._met.pop(client.name, None)
        self._met[client.name] = rule
        self._bind(client)
        if len(self._met) > MOST_MET:
            self._forget_met()

    def _bind(self, client: ClientKey) -> None:
        """Set the limits of one client, in place of those before."""
        former = self._scopes.pop(("client", client.name), None)
        if former is not None:
            self._former["client", client.name] = former
        self._clients[client.tenant] = Bound(self, client)
        self._former.pop(("client", client.name), None)

    def _meet_again(self, auth: Auth) -> None:
        """Set the limits that rules for tokens have now, for the clients that are known by them."""
        limits = {f"serviceAccounts/{each.name}": each.limits for each in auth.service_accounts}
        limits |= {f"jwt/{each.name}": each.limits for each in auth.jwt}
        self._met = {name: rule for name, rule in self._met.items() if rule in limits}
        for name, rule in self._met.items():
            client = ClientKey(name, "", limits=limits[rule])
            self._clients[client.tenant] = Bound(self, client)

    def _forget_met(self) -> None:
        """Forget clients that showed no new token for long; tokens of theirs are forgotten, too."""
        for name in list(self._met)[:FORGOTTEN_AT_ONCE]:
            del self._met[name]
            self._scopes.pop(("client", name), None)
            self._clients.pop(ClientKey(name, "").tenant, None)
        self._has_stale = True
        self._keep_leases()

    def _keep_leases(self) -> None:
        """Let go of the leases of limits that are no more."""
        if self._leases is not None and self._has_stale:
            shared = (each for each in self._scopes.values() if isinstance(each, SharedScope))
            keys = {key for scope in shared for key in scope.keys}
            self._has_stale = not self._leases.keep_only(keys)

    def scope(self, kind: str, name: str, limits: Limits) -> Scopes:
        """Return the scope of a name as a tuple, which is empty where it has no limit.

        Where the same name is limited twice, the stricter limits count.
        """
        if limits == NO_LIMITS:
            return ()
        key = (kind, name)
        scope = self._scopes.get(key)
        if scope is not None:
            limits = scope.limits.lowered_to(limits)
        elif (scope := self._former.get(key)) is None:
            scope = self._new(kind, name)
        self._has_stale = self._has_stale or scope.limits not in (NO_LIMITS, limits)
        self._scopes[key] = scope
        scope.limit(limits)
        return (scope,)

    def _new(self, kind: str, name: str) -> Scope:
        if self._shares and self._leases is not None:
            return SharedScope(kind, name, self._leases)
        return Scope(kind, name)

    def find(self, kind: str, name: str) -> Scope | None:
        """Return the scope of a name; None where it has no limit."""
        return self._scopes.get((kind, name))

    def most_used(self) -> list[LimitUsage]:
        """Return the limits that are used most, the fullest first."""
        return most_used(self._scopes.values(), step_of(self._clock()))

    def of_backend(self, credential: str, upstream_name: str) -> Scopes:
        """Return the scopes of an attempt at a backend."""
        found = self._scopes.get
        scopes = (
            found(("credential", credential)),
            found(("backend", backend_name(credential, upstream_name))),
        )
        return tuple(scope for scope in scopes if scope is not None)

    def reserve(self, tenant: str, model: str, request: ClientRequest) -> Permit:
        """Reserve a request of a client for a model. Raises `Failure` 429."""
        bound = self._clients.get(tenant)
        shared = self.models.get(model, NOBODYS)
        scopes, own = (shared, NOBODYS) if bound is None else bound.for_model(model)
        if not scopes:
            return FREE
        if bound is not None and bound.is_batch:
            leave_some(scopes, own, step_of(self._clock()))
        return self._reserve(scopes, model, request, own)

    def own_scopes(self, tenant: str) -> Scopes:
        """Return the scopes that are a client's alone, whichever model it asks for."""
        bound = self._clients.get(tenant)
        return NOBODYS if bound is None else bound.own

    def refused(self, tenant: str, model: str) -> Permit:
        """Return the permit of a request that got none, which tells of its client's limits."""
        bound = self._clients.get(tenant)
        return FREE if bound is None else Permit((), 0, NOTHING, bound.for_model(model)[1])

    async def reserve_later(
        self, tenant: str, model: str, request: ClientRequest, refused: Failure
    ) -> Permit:
        """Reserve a request that was refused, once there is room for it.

        It waits a moment for the ledger, and, of a client that waits, for others to end. Raises
        the last refusal.
        """
        bound = self._clients.get(tenant)
        if self.ask is None and (bound is None or not bound.is_batch):
            raise refused
        reserve = partial(self.reserve, tenant, model, request)
        scopes = self.models.get(model, NOBODYS) if bound is None else bound.for_model(model)[0]
        need = partial(self._need, scopes, self._estimate(scopes, model, request))
        if bound is None or not bound.is_batch:
            return await self._reserve_of_ledger(reserve, need, refused)

        async def again() -> Permit:
            try:
                return reserve()
            except Failure as still:
                return await self._reserve_of_ledger(reserve, need, still)

        return await self._batch.wait(tenant, again, refused)

    async def reserve_attempt_later(
        self,
        scopes: Scopes,
        model: str,
        request: ClientRequest,
        known: TokenEstimate,
        refused: Failure,
    ) -> Permit:
        """Reserve an attempt that was refused, if the ledger has room. Raises the last refusal."""
        if self.ask is None:
            raise refused
        estimate = known if known is not NOTHING else self._estimate(scopes, model, request)
        reserve = partial(self.reserve_attempt, scopes, model, request, estimate)
        return await self._reserve_of_ledger(
            reserve, partial(self._need, scopes, estimate), refused
        )

    async def _reserve_of_ledger(
        self, reserve: Callable[[], Permit], need: Callable[[], bool], refused: Failure
    ) -> Permit:
        """Reserve what the ledger grants within a moment. Raises the last refusal."""
        if self.ask is None:
            raise refused
        try:
            async with asyncio.timeout(self._patience):
                while need():
                    await self.ask()
                    try:
                        return reserve()
                    except Failure as again:
                        refused = again
        except TimeoutError:
            pass
        drop_frames(refused)
        raise refused

    def _need(self, scopes: Scopes, estimate: TokenEstimate) -> bool:
        """Take note of a request that waits for the ledger; False where it waits in vain."""
        step, tokens = step_of(self._clock()), estimate.tokens
        short = [scope for scope in scopes if not scope.has_room(step, tokens)]
        return bool(short) and all(scope.need(step, tokens) for scope in short)

    def reserve_attempt(
        self, scopes: Scopes, model: str, request: ClientRequest, known: TokenEstimate = NOTHING
    ) -> Permit:
        """Reserve an attempt at a backend. Raises `Failure` 429.

        `known` is what was estimated for the request before.
        """
        return self._reserve(scopes, model, request, known=known)

    def _reserve(
        self,
        scopes: Scopes,
        model: str,
        request: ClientRequest,
        own: Scopes = NOBODYS,
        known: TokenEstimate = NOTHING,
    ) -> Permit:
        estimate = known if known is not NOTHING else self._estimate(scopes, model, request)
        step = step_of(self._clock())
        tokens = estimate.tokens
        for at, scope in enumerate(scopes):
            if not scope.take(step, tokens):
                for taken in scopes[:at]:
                    taken.give_back(step, tokens)
                raise longest_refusal(scopes, step, tokens)
        return Permit(scopes, step, estimate, own, self._clock)

    def _estimate(self, scopes: Scopes, model: str, request: ClientRequest) -> TokenEstimate:
        """Return the tokens of a request, where a scope limits any."""
        for scope in scopes:
            if scope.limits.tpm is not None:
                return self.estimates.of(model, request)
        return NOTHING


def backend_name(credential: str, upstream_name: str) -> str:
    """Return the name of a backend's scope."""
    return f"{credential}/{upstream_name}"


def leave_some(scopes: Scopes, own: Scopes, step: int) -> None:
    """Have batch requests leave the last of what is shared to others. Raises `Failure` 429."""
    for scope in scopes:
        if scope not in own and scope.is_scarce(step):
            raise kept_for_others(scope.kind, scope.name)


def longest_refusal(scopes: Scopes, step: int, tokens: int) -> Failure:
    """Return why there is no room: the scope that takes longest to have some."""
    short = [each for each in scopes if not each.has_room(step, tokens)]
    found = longest(each.shortage(step, tokens) for each in short)
    return at_limit(found.scope.kind, found.scope.name, found.of, found.limit, found.wait)
