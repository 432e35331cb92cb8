"""Everything that serves one snapshot, built once, so that a request builds nothing.

`app.py` builds a generation for each snapshot and hands it to the pipeline; a request pins the one
it started with. Pools and load counters outlive it: they belong to the process.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from airouter import __version__
from airouter.auth import Keyring
from airouter.config.snapshot import Mock
from airouter.dialects.passthrough import Edits
from airouter.providers.mock import MockUpstream
from airouter.providers.registry import MOCK, PROVIDERS
from airouter.routing.catalog import Backend, Catalog, Load, Route, Tier
from airouter.upstream.pool import Pool
from airouter.wire import UpstreamError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airouter.config import snapshot as declared
    from airouter.config.snapshot import Snapshot
    from airouter.providers.base import Provider
    from airouter.upstream.pools import Pools
    from airouter.wire import Upstream

logger = logging.getLogger("airouter.generation")

APIS = ("chat", "completions", "embeddings")


class Account:
    """A credential with its provider and the connections to it."""

    __slots__ = ("credential", "head", "load", "paths", "provider", "upstream")

    def __init__(
        self,
        credential: declared.Credential,
        provider: Provider,
        base_url: str,
        upstream: Upstream,
        load: Load,
    ) -> None:
        self.credential = credential
        self.provider = provider
        self.upstream = upstream
        self.load = load
        self.head = head_of(credential, provider)
        root = urlsplit(base_url).path.rstrip("/")
        self.paths = {api: (root + path).encode() for api, path in provider.paths.items()}


class Target:
    """One backend as the pipeline sends to it."""

    __slots__ = ("account", "edits", "model", "path")

    def __init__(self, account: Account, api: str, upstream_name: str, edits: Edits) -> None:
        self.account = account
        self.path = account.paths[api]
        self.model = msgspec.Raw(msgspec.json.encode(upstream_name))
        self.edits = edits


@dataclass(frozen=True)
class Generation:
    """One snapshot, ready to serve."""

    snapshot: Snapshot
    keyring: Keyring
    catalogs: dict[str, Catalog[Target]]
    """API to the models, each with those backends that offer it."""
    pools: list[Pool]
    unusable: dict[str, str]
    """Credentials that cannot be called from here, and why; the others are served."""


def build(snapshot: Snapshot, pools: Pools, loads: dict[str, Load]) -> Generation:
    """Build a generation.

    `loads` is credential name to load and is kept up: names out of use are forgotten.
    """
    accounts: dict[str, Account] = {}
    unusable: dict[str, str] = {}
    for credential in snapshot.credentials:
        try:
            accounts[credential.name] = open_account(credential, pools, loads)
        except (ValueError, OSError, UpstreamError) as error:
            unusable[credential.name] = str(error)
            logger.warning("credential %s is left out: %s", credential.name, error)
    for name in [name for name in loads if name not in accounts]:
        if loads[name].in_flight == 0:
            del loads[name]
    return Generation(
        snapshot,
        Keyring(snapshot.auth),
        {api: Catalog(routes_for(api, snapshot.models, accounts)) for api in APIS},
        [a.upstream for a in accounts.values() if isinstance(a.upstream, Pool)],
        unusable,
    )


def open_account(credential: declared.Credential, pools: Pools, loads: dict[str, Load]) -> Account:
    """Bind a credential to its provider. Raises what `Pools.pool_for` does."""
    provider = PROVIDERS[credential.type]
    base_url = credential.base_url or provider.base_url
    if base_url is None:
        raise ValueError(f"credential {credential.name!r} has no base URL")
    upstream: Upstream
    if credential.type == MOCK:
        upstream = MockUpstream(credential.mock or Mock())
    else:
        upstream = pools.pool_for(credential, base_url)
    load = loads.setdefault(credential.name, Load())
    return Account(credential, provider, base_url, upstream, load)


def routes_for(
    api: str, models: Iterable[declared.Model], accounts: dict[str, Account]
) -> Iterable[Route[Target]]:
    """The route of every model, with those of its backends that offer an API."""
    for model in models:
        edits = Edits(model.parameters)
        tiers = [
            [
                bind(backend, accounts[backend.credential], api, edits)
                for backend in tier
                if backend.credential in accounts
                and api in accounts[backend.credential].credential.api
            ]
            for tier in model.tiers
        ]
        yield Route(model, [Tier(backends) for backends in tiers if backends])


def bind(backend: declared.Backend, account: Account, api: str, edits: Edits) -> Backend[Target]:
    """A backend with what it takes to send to it."""
    return Backend(
        backend.credential,
        backend.upstream_name,
        backend.weight,
        account.load,
        Target(account, api, backend.upstream_name, edits),
    )


def head_of(credential: declared.Credential, provider: Provider) -> bytes:
    """The header lines that every request of a credential carries."""
    headers = {
        "content-type": "application/json",
        "accept": "*/*",
        "accept-encoding": "identity",
        "user-agent": f"airouter/{__version__}",
    }
    headers.update((name.lower(), value) for name, value in credential.headers)
    headers.update(provider.authorization(credential))
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")
