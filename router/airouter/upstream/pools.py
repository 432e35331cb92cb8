"""Pools shared between snapshots: a reload leaves the connections to an unchanged address alone.

API keys are no part of a pool, so a rotated key does not cost one connection.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from airouter.upstream.origin import Origin, choose_proxy
from airouter.upstream.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airouter.config.snapshot import Credential
    from airouter.outbox import Outbox

PoolKey = tuple[object, ...]


class Pools:
    """The pools of a process, one for each address, trust and set of timeouts."""

    def __init__(
        self, outbox: Outbox, *, max_connections: int, body_limit: int, proxies: Mapping[str, str]
    ) -> None:
        self._outbox = outbox
        self._max_connections = max_connections
        self._body_limit = body_limit
        self._proxies = dict(proxies)
        self._pools: dict[PoolKey, Pool] = {}
        self._system_trust: ssl.SSLContext | None = None

    def pool_for(self, credential: Credential, base_url: str) -> Pool:
        """Return the pool of a credential. Raises `ValueError`, `ssl.SSLError`, `ConnectError`."""
        key: PoolKey = (credential.name, base_url, credential.tls, credential.timeouts)
        if key not in self._pools:
            origin = Origin.of(base_url, credential.tls.ca_pem, credential.tls.server_name)
            self._pools[key] = Pool(
                origin,
                credential.timeouts,
                self._outbox,
                max_connections=self._max_connections,
                body_limit=self._body_limit,
                proxy=choose_proxy(origin, self._proxies),
                context=self._context(origin),
            )
        return self._pools[key]

    def keep_only(self, used: Iterable[Pool]) -> None:
        """Drain every pool that is not in use."""
        wanted = set(used)
        for key, pool in list(self._pools.items()):
            if pool not in wanted:
                del self._pools[key]
                pool.drain()

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()

    def _context(self, origin: Origin) -> ssl.SSLContext | None:
        if origin.scheme == "http":
            return None
        if origin.ca_pem is not None:
            return ssl.create_default_context(cadata=origin.ca_pem)
        if self._system_trust is None:  # reading the system's certificates takes tens of ms
            self._system_trust = ssl.create_default_context()
        return self._system_trust
