"""Pools shared between snapshots: a reload leaves the connections to an unchanged address alone.

API keys are no part of a pool, so a rotated key does not cost one connection.
"""

from __future__ import annotations

import asyncio
import ssl
from functools import partial
from typing import TYPE_CHECKING

from airouter.eventloop.turns import Turns
from airouter.upstream.balancer import Balancer
from airouter.upstream.origin import Origin, choose_proxy
from airouter.upstream.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airouter.config.snapshot import Credential
    from airouter.eventloop.outbox import Outbox
    from airouter.upstream.origin import Proxy

PoolKey = tuple[object, ...]
Pooled = Pool | Balancer
"""The connections of one credential."""


class Pools:
    """The pools of a process, one for each credential, place, trust and set of timeouts."""

    def __init__(
        self, outbox: Outbox, *, max_connections: int, body_limit: int, proxies: Mapping[str, str]
    ) -> None:
        self._outbox = outbox
        # Who relays a stream has nothing to gain from rests: its provider waits meanwhile.
        self._turns = Turns(asyncio.get_running_loop(), rests=False)
        self._max_connections = max_connections
        self._body_limit = body_limit
        self._proxies = dict(proxies)
        self._pools: dict[PoolKey, Pooled] = {}
        self._system_trust: ssl.SSLContext | None = None

    def pool_for(self, credential: Credential, base_url: str) -> Pooled:
        """Return the pool of a credential, or what balances over the addresses of its Service.

        Raises `ValueError`, `ssl.SSLError`, `ConnectError`.
        """
        addresses = credential.addresses
        key: PoolKey = (
            credential.name,
            base_url,
            credential.tls,
            credential.timeouts,
            addresses is None,
        )
        found = self._pools.get(key)
        if found is None:
            origin = Origin.of(base_url, credential.tls.ca_pem, credential.tls.server_name)
            if addresses is None:
                found = self._open(credential, origin, choose_proxy(origin, self._proxies))
            else:
                by_name = self._open(credential, origin, None)
                found = Balancer(partial(self._open_at, credential, origin), by_name)
            self._pools[key] = found
        if isinstance(found, Balancer):
            found.follow(addresses or ())
        return found

    def keep_only(self, used: Iterable[Pooled]) -> None:
        """Drain every pool that is not in use."""
        wanted = set(used)
        for key, pool in list(self._pools.items()):
            if pool not in wanted:
                del self._pools[key]
                pool.drain()

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()

    def _open_at(self, credential: Credential, origin: Origin, address: str) -> Pool:
        """Return a pool for one address of a Service: pods are asked without a proxy."""
        return self._open(credential, origin.at(address), None)

    def _open(self, credential: Credential, origin: Origin, proxy: Proxy | None) -> Pool:
        return Pool(
            origin,
            credential.timeouts,
            self._outbox,
            self._turns,
            max_connections=self._max_connections,
            body_limit=self._body_limit,
            proxy=proxy,
            context=self._context(origin),
        )

    def _context(self, origin: Origin) -> ssl.SSLContext | None:
        if origin.scheme == "http":
            return None
        if origin.ca_pem is not None:
            return ssl.create_default_context(cadata=origin.ca_pem)
        if self._system_trust is None:  # reading the system's certificates takes tens of ms
            self._system_trust = ssl.create_default_context()
        return self._system_trust
