"""Reading Secrets: those that are needed and that were changed, one by one.

Those of RouterKeys may be thousands: of an operator that starts nobody waits until each was asked
for by itself, so they are read as a list first.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from airouter_operator.key_secret import KEY_SECRET_TYPE
from airouter_operator.kube.objects import object_key
from airouter_operator.kube.paths import secrets_in
from airouter_operator.publication import secret_of_config
from airouter_operator.watching.kinds import SECRETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter_operator.kube.api import KubeApi
    from airouter_operator.kube.objects import ObjectKey
    from airouter_operator.watching.mirror import Mirror

AT_A_TIME = 16
KEYS_AT_A_TIME = 10
"""Secrets of a page: anybody may make some of the type of keys, a megabyte each."""
KEYS = f"type={KEY_SECRET_TYPE}"
"""The field selector of Secrets of RouterKeys."""


class SecretReader:
    """Brings the Secrets in the mirror up to date."""

    def __init__(self, kube: KubeApi, mirror: Mirror, scopes: Sequence[str | None]) -> None:
        """`scopes` are the namespaces that are served; None is all of them."""
        self._kube = kube
        self._mirror = mirror
        self._scopes = scopes
        self._slots = asyncio.Semaphore(AT_A_TIME)
        self._listing = asyncio.Lock()
        self._has_listed = False

    async def refresh(self, config: ObjectKey) -> None:
        """Read the Secrets that a RouterConfig needs, unless they are known. Raises `KubeError`."""
        named = {*self._mirror.secrets_of(config), secret_of_config(config)}
        keys = self._mirror.key_index.of_router(config)
        if keys:
            await self._list_keys()
        await self._refresh({*named, *map(self._mirror.key_index.secret, keys)})

    async def refresh_key(self, router_key: ObjectKey) -> None:
        """Read the Secret of a RouterKey, unless it is known. Raises `KubeError`."""
        await self._list_keys()
        await self._refresh({self._mirror.key_index.secret(router_key)})

    async def _refresh(self, needed: set[ObjectKey | None]) -> None:
        known = sorted(key for key in needed if key is not None)
        outdated = [key for key in known if not self._mirror.secrets.is_current(key)]
        await asyncio.gather(*map(self._read, outdated))

    async def _read(self, key: ObjectKey) -> None:
        async with self._slots:
            # Counted before: a change that is noticed meanwhile is another one.
            changes = self._mirror.secrets.changes(key)
            body = await self._kube.find(key, secrets_in(key.namespace), fields=SECRETS.selector)
            self._mirror.secrets.take(key, body, changes)

    async def _list_keys(self) -> None:
        """Read the Secrets of all RouterKeys, once. One that is not there is asked for later."""
        async with self._listing:
            if self._has_listed:
                return
            secrets = self._mirror.secrets
            named = map(self._mirror.key_index.secret, self._mirror.keys)
            changes = {key: secrets.changes(key) for key in named if key is not None}
            for path in map(secrets_in, self._scopes):
                async for body in self._kube.each(path, fields=KEYS, page=KEYS_AT_A_TIME):
                    key = object_key(body)
                    if key in changes:
                        secrets.take(key, body, changes[key])
            self._has_listed = True
