"""The routes of models: which backends can be asked for an API, made when first asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Optional

from airouter.costs import PriceLists, distinct_prices, price_lists
from airouter.dialects.client_request import Edits
from airouter.providers.binding import OFFERS
from airouter.routing.catalog import Catalog, Route, Tier, by_name
from airouter.serving.target import bind

if TYPE_CHECKING:
    from airouter.config import snapshot as declared
    from airouter.config.snapshot import Snapshot
    from airouter.limits.counters import Counters
    from airouter.providers.binding import Api
    from airouter.serving.account import Account
    from airouter.serving.target import Target

TOLD: tuple[Api, ...] = ("chat", "responses", "messages", "completions", "embeddings", "images")
"""APIs by whose names a client is told what a model offers."""
NO_PRICES = PriceLists({})

LimitsOf = Callable[[str, str], Optional["Counters"]]
"""Returns the limits of a credential's use of a model, by the upstream's name of it."""


def no_limits(credential: str, upstream_name: str) -> None:
    """Return that there are none."""


def catalogs_for(
    snapshot: Snapshot, accounts: dict[str, Account], limits_of: LimitsOf
) -> dict[Api, Catalog[Target]]:
    """Return the models by API.

    Sessions are answered as requests are, unless a provider has them too.
    """
    named, prices = by_name(snapshot.models), price_lists(snapshot)
    catalogs: dict[Api, Catalog[Target]] = {
        api: Catalog(named, partial(route_for, api, accounts, prices, limits_of=limits_of))
        for api in OFFERS
    }
    if all(account.dialer is None for account in accounts.values()):
        catalogs["session"] = catalogs["responses"]
    return catalogs


def route_for(
    api: Api,
    accounts: dict[str, Account],
    prices: PriceLists,
    model: declared.Model,
    limits_of: LimitsOf = no_limits,
) -> Route[Target]:
    """Build the route of a model, with those of its backends that can be asked for an API."""
    declared_tiers, model = model.tiers, prices.admitted(model)
    edits = Edits(model.parameters)
    tiers = [
        [
            bound
            for backend in tier
            if (bound := bind(backend, accounts.get(backend.credential), api, model, edits, prices))
        ]
        for tier in model.tiers
    ]
    for bound in (each for tier in tiers for each in tier):
        bound.limits = limits_of(bound.credential, bound.upstream_name)
    route = Route(model, [Tier(backends) for backends in tiers if backends])
    route.native = all(each.target.translation.same_dialect for each in route.backends)
    route.prices = distinct_prices(each.target.price for each in route.backends)
    if not route.backends:
        route.is_unpriced = bool(declared_tiers) and not model.tiers
        route.sessions_only = has_sessions(model, accounts)
        route.offers = offers_of(model, accounts, edits)
    return route


def offers_of(model: declared.Model, accounts: dict[str, Account], edits: Edits) -> tuple[str, ...]:
    """Return the APIs that a model has; none where a credential of it cannot be used now."""
    backends = [backend for tier in model.tiers for backend in tier]
    if any(backend.credential not in accounts for backend in backends):
        return ()
    return tuple(
        api
        for api in TOLD
        if any(
            bind(each, accounts.get(each.credential), api, model, edits, NO_PRICES)
            for each in backends
        )
    )


def has_sessions(model: declared.Model, accounts: dict[str, Account]) -> bool:
    """Return whether a backend of a model could be asked in a session."""
    found = (accounts.get(backend.credential) for tier in model.tiers for backend in tier)
    return any(account is not None and account.dialer is not None for account in found)
