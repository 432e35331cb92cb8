"""A credential as it is served: its provider, and the connections there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from airouter import __version__
from airouter.providers.masking import Masking
from airouter.routing.marks import mark_of
from airouter.upstream.balancer import Balancer
from airouter.upstream.pools import Pooled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from airouter.config import snapshot as declared
    from airouter.interfaces import Carrier, Dialer, Reply, StayingConversation, Upstream
    from airouter.providers.base import Provider
    from airouter.providers.identity import Identities
    from airouter.providers.identity.base import Signer
    from airouter.routing.catalog import Load
    from airouter.upstream.pools import Pools

WEBSOCKET = "responses-ws"
"""What a credential offers whose provider has sessions itself."""


class Account:
    """A credential, its provider, and the connections there."""

    __slots__ = (
        "balancer",
        "credential",
        "dialer",
        "head",
        "load",
        "mark",
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
        self.mark = mark_of(credential)
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
        if self.signer is None:
            return self._post(path, head, body, conversation, streamed=streamed)
        return self._post_signed(self.signer, path, head, body, conversation, streamed=streamed)

    async def _post_signed(
        self,
        signer: Signer,
        path: bytes,
        head: bytes,
        body: bytes,
        conversation: StayingConversation | None,
        *,
        streamed: bool,
    ) -> Reply:
        path, signed = await signer.sign(path, body)
        return await self._post(path, head + signed, body, conversation, streamed=streamed)

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
    """Return the loads that go on: of credentials in use, and of those with requests in flight.

    One whose key is another now forgets what the former key has led to.
    """
    for account in accounts.values():
        account.load.call_by(account.mark)
    busy = {name: load for name, load in former.items() if load.in_flight}
    return busy | {name: account.load for name, account in accounts.items()}


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
