"""The state that serves a snapshot, built once, so that a request builds nothing.

`app.py` builds a `ServingState` for each snapshot and hands it to the pipeline; a request pins the
one it started with. Pools and load counters outlive it: they belong to the process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import msgspec

from airouter import __version__
from airouter.auth.keyring import Keyring, meet_nobody
from airouter.costs import PriceList, PriceLists, distinct_prices, price_lists
from airouter.dialects.client_request import Edits
from airouter.dialects.conversation import Destination
from airouter.dialects.provenance import maker_of
from airouter.dialects.translation.choice import translation_for
from airouter.dialects.translation.client_apis import ServedModel
from airouter.interfaces import UpstreamError, head_lines
from airouter.providers.binding import OFFERS
from airouter.providers.masking import Masking
from airouter.routing.catalog import Backend, Catalog, Load, Route, Tier, by_name
from airouter.upstream.balancer import Balancer
from airouter.upstream.pools import Pooled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from airouter.auth.tokens import Meet
    from airouter.config import snapshot as declared
    from airouter.config.snapshot import Snapshot
    from airouter.dialects.translation.base import Translation
    from airouter.interfaces import Carrier, Dialer, Reply, StayingConversation, Upstream
    from airouter.limits import Scope
    from airouter.providers.base import Provider
    from airouter.providers.binding import Api, Binding
    from airouter.providers.identity import Identities
    from airouter.providers.identity.base import Signer
    from airouter.upstream.pools import Pools

logger = logging.getLogger("airouter.serving")

TOLD: tuple[Api, ...] = ("chat", "responses", "messages", "completions", "embeddings", "images")
"""APIs by whose names a client is told what a model offers."""
NO_PRICES = PriceLists({})
WEBSOCKET = "responses-ws"
"""What a credential offers whose provider has sessions itself."""

LimitsOf = Callable[[str, str], tuple["Scope", ...]]
"""Returns the limits of a credential's use of a model, by the upstream's name of it."""


def no_limits(credential: str, upstream_name: str) -> tuple[Scope, ...]:  # noqa: ARG001
    """Return that there are none."""
    return ()


class Account:
    """A credential, its provider, and the connections there."""

    __slots__ = (
        "balancer",
        "credential",
        "dialer",
        "head",
        "load",
        "masking",
        "provider",
        "root",
        "signer",
        "upstream",
    )

    def __init__(
        self,
        credential: declared.Credential,
        provider: Provider,
        base_url: str,
        upstream: Upstream,
        load: Load,
        signer: Signer | None,
    ) -> None:
        self.credential = credential
        self.provider = provider
        self.upstream = upstream
        self.load = load
        self.signer = signer
        self.masking = Masking(credential)
        self.head = head_of(credential, provider)
        self.root = urlsplit(base_url).path.rstrip("/")
        self.balancer = upstream if isinstance(upstream, Balancer) else None
        """Chooses among the pods of a Service, where it is one."""
        self.dialer: Dialer | None = None
        """Opens WebSockets, where the provider has sessions itself."""
        if WEBSOCKET in credential.api and isinstance(upstream, Pooled):
            self.dialer = upstream

    async def fetch(self, method: bytes, path: str) -> Reply:
        """Send a request without a body. Raises `UpstreamError`."""
        return await self.upstream.send((self.root + path).encode(), self.head, b"", method)

    def send(
        self,
        path: bytes,
        head: bytes,
        body: bytes,
        carrier: Carrier | None = None,
        conversation: StayingConversation | None = None,
        *,
        streamed: bool = False,
    ) -> Awaitable[Reply]:
        """POST, signed; by `carrier` where that is given and the provider has sessions.

        `conversation` is one that stays with a pod. To await it raises `UpstreamError`.
        """
        head = self.head + head
        if carrier is not None and self.dialer is not None:
            return carrier.carry(self.credential, self.dialer, path, head, body)
        send = self._post if self.signer is None else self._send_signed
        return send(path, head, body, conversation, streamed=streamed)

    async def _send_signed(
        self,
        path: bytes,
        head: bytes,
        body: bytes,
        conversation: StayingConversation | None,
        *,
        streamed: bool,
    ) -> Reply:
        if self.signer is not None:
            path, signed = await self.signer.sign(path, body)
            head += signed
        return await self._post(path, head, body, conversation, streamed=streamed)

    def _post(
        self,
        path: bytes,
        head: bytes,
        body: bytes,
        conversation: StayingConversation | None,
        *,
        streamed: bool,
    ) -> Awaitable[Reply]:
        if conversation is not None and self.balancer is not None:
            return self.balancer.send(
                path, head, body, streamed=streamed, conversation=conversation
            )
        return self.upstream.send(path, head, body, streamed=streamed)


class Target:
    """A backend as the pipeline sends to it."""

    __slots__ = (
        "account",
        "first_token",
        "head",
        "headers",
        "label",
        "model",
        "path",
        "price",
        "stream_path",
        "translation",
    )

    def __init__(
        self,
        account: Account,
        name: str,
        binding: Binding,
        translation: Translation,
        price: PriceList | None,
        model: str = "",
    ) -> None:
        """`name` is the provider's of the model, `model` the one that clients know."""
        self.account = account
        self.model = model
        self.price = price
        self.label = label_of(account.credential.name, name)
        self.translation = translation
        self.first_token = account.credential.timeouts.first_token
        self.path = (account.root + binding.path).encode()
        self.stream_path = (account.root + (binding.stream_path or binding.path)).encode()
        self.headers = {name.encode(): value.encode() for name, value in binding.headers.items()}
        self.head = head_lines(self.headers)


NO_ACCOUNTS: Mapping[str, Account] = {}


@dataclass(frozen=True)
class ServingState:
    """A snapshot, ready to serve."""

    snapshot: Snapshot
    accounts: dict[str, Account]
    keyring: Keyring
    catalogs: dict[Api, Catalog[Target]]
    """API to the models, each with those backends that offer it."""
    pools: list[Pooled]
    signers: list[Signer]
    unusable: dict[str, str]
    """Credentials that cannot be called from here, and why; the others are served."""


def build(
    snapshot: Snapshot,
    providers: Mapping[str, Provider],
    pools: Pools,
    identities: Identities,
    loads: Mapping[str, Load],
    limits_of: LimitsOf = no_limits,
    meet: Meet = meet_nobody,
    former: Mapping[str, Account] = NO_ACCOUNTS,
) -> ServingState:
    """Build the state that serves a snapshot, with the known `loads` of its credentials.

    Accounts of the `former` state go on where nothing of their credential has changed.

    `limits_of` gives the limits of a credential's name and an upstream's name of a model; `meet` is
    told of each client that shows a token.

    New pools and signers are left in `pools` and `identities` when it raises: `keep_only` those of
    the state that serves.
    """
    accounts: dict[str, Account] = {}
    unusable: dict[str, str] = {}
    for credential in snapshot.credentials:
        account = former.get(credential.name)
        # What balances over pods follows their addresses anew: another build may have failed.
        if account is not None and account.credential == credential and account.balancer is None:
            accounts[credential.name] = account
            continue
        try:
            load = loads.get(credential.name) or Load()
            account = open_account(credential, providers, pools, identities, load)
        except (ValueError, OSError, UpstreamError) as error:
            unusable[credential.name] = str(error)
            logger.warning("credential %s is left out: %s", credential.name, error)
        else:
            accounts[credential.name] = account
    return ServingState(
        snapshot,
        accounts,
        Keyring(snapshot.auth, meet=meet),
        catalogs_for(snapshot, accounts, limits_of),
        [a.upstream for a in accounts.values() if isinstance(a.upstream, Pooled)],
        [a.signer for a in accounts.values() if a.signer is not None],
        unusable,
    )


def open_account(
    credential: declared.Credential,
    providers: Mapping[str, Provider],
    pools: Pools,
    identities: Identities,
    load: Load,
) -> Account:
    """Open a credential at its provider. Raises what `Pools.pool_for` does."""
    provider = providers.get(credential.type)
    if provider is None:  # of a newer operator
        raise ValueError(f"type {credential.type!r} is not known to this version")
    base_url = credential.base_url or provider.base_url(credential)
    if base_url is None:
        raise ValueError(f"credential {credential.name!r} has no base URL")
    upstream = provider.open_upstream(credential, partial(pools.pool_for, credential, base_url))
    host = urlsplit(base_url).netloc.rpartition("@")[2]  # signed as it stands in `Host`
    signer = identities.signer_for(provider, credential, host)
    return Account(credential, provider, base_url, upstream, load, signer)


def loads_after(former: Mapping[str, Load], accounts: Mapping[str, Account]) -> dict[str, Load]:
    """Return the loads that go on: of credentials in use, and of those with requests in flight."""
    busy = {name: load for name, load in former.items() if load.in_flight}
    return busy | {name: account.load for name, account in accounts.items()}


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


def bind(
    backend: declared.Backend,
    account: Account | None,
    api: Api,
    model: declared.Model,
    edits: Edits,
    prices: PriceLists,
) -> Backend[Target] | None:
    """Return a backend with what it takes to send to it; None where it does not offer the API."""
    if account is None or not set(OFFERS[api]) & set(account.credential.api):
        return None
    credential, name = account.credential, backend.upstream_name
    if api == "session":
        api, credential = "responses", in_session(account)
    binding = account.provider.bind(api, credential, name)
    if binding is None:
        return None
    destination = Destination(
        model=name,
        maker=maker_of(credential.type, credential.name, name),
        max_output_tokens=model.metadata.max_output_tokens,
    )
    served = ServedModel(model.name, destination, edits, binding.envelope)
    translation = translation_for(api, binding.api, served)
    price = prices.by_version.get(backend.price)
    target = Target(account, name, binding, translation, price, model.name)
    bound = Backend(credential.name, name, backend.weight, account.load, target)
    bound.has_pods = account.balancer is not None
    return bound


def label_of(credential: str, upstream_name: str) -> tuple[bytes, bytes]:
    """Return the header that names a backend: of an ARN, which names an account, its end."""
    if upstream_name.startswith("arn:"):
        upstream_name = upstream_name.rpartition("/")[2]
    return b"x-airouter-backend", quote(f"{credential}/{upstream_name}", safe="/:@.+").encode()


def in_session(account: Account) -> declared.Credential:
    """Return a credential with what it offers in a session: Responses, where it has sessions."""
    credential = account.credential
    if account.dialer is None:
        return credential
    return msgspec.structs.replace(credential, api=("responses", *credential.api))


def head_of(credential: declared.Credential, provider: Provider) -> bytes:
    """Return the header lines that every request of a credential carries."""
    headers = {
        "content-type": "application/json",
        "accept": "*/*",
        "accept-encoding": "identity",
        "user-agent": f"airouter/{__version__}",
    }
    headers.update((name.lower(), value) for name, value in credential.headers)
    headers.update(provider.authorization(credential))
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")
