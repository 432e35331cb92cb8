"""Pools shared between snapshots: a reload leaves the connections to an unchanged address alone.

Keys are no part of a pool, so a rotated key does not cost one connection.
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

Key = tuple[object, ...]


class Pools:
    """Builds pools, one for each address, trust and set of timeouts; drains those out of use."""

    def __init__(
        self, outbox: Outbox, *, max_connections: int, body_limit: int, proxies: Mapping[str, str]
    ) -> None:
        self._outbox = outbox
        self._max_connections = max_connections
        self._body_limit = body_limit
        self._proxies = dict(proxies)
        self._pools: dict[Key, Pool] = {}
        self._system_trust: ssl.SSLContext | None = None

    def pool_for(self, credential: Credential, base_url: str) -> Pool:
        """The pool of a credential. Raises `ValueError`, `ssl.SSLError`, `ConnectError`."""
        key: Key = (credential.name, base_url, credential.tls, credential.timeouts)
        if key not in self._pools:
            endpoint = Origin.of(base_url, credential.tls.ca_pem, credential.tls.server_name)
            self._pools[key] = Pool(
                endpoint,
                credential.timeouts,
                self._outbox,
                max_connections=self._max_connections,
                body_limit=self._body_limit,
                proxy=choose_proxy(endpoint, self._proxies),
                context=self._context(endpoint),
            )
        return self._pools[key]

    def keep_only(self, used: Iterable[Pool]) -> None:
        """Let every other pool run dry."""
        wanted = set(used)
        for key, pool in list(self._pools.items()):
            if pool not in wanted:
                del self._pools[key]
                pool.drain()

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()

    def _context(self, endpoint: Origin) -> ssl.SSLContext | None:
        if endpoint.scheme == "http":
            return None
        if endpoint.ca_pem is not None:
            return ssl.create_default_context(cadata=endpoint.ca_pem)
        if self._system_trust is None:  # reading the system's certificates takes tens of ms
            self._system_trust = ssl.create_default_context()
        return self._system_trust
