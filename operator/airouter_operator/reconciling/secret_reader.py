"""Reading Secrets: those that are needed and that were changed, one by one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from airouter_operator.kube.paths import secrets_in
from airouter_operator.publication import secret_of_config
from airouter_operator.watching.kinds import SECRETS

if TYPE_CHECKING:
    from collections.abc import Collection

    from airouter_operator.kube.api import KubeApi
    from airouter_operator.kube.objects import ObjectKey
    from airouter_operator.watching.mirror import Mirror

AT_A_TIME = 16


class SecretReader:
    """Brings the Secrets in the mirror up to date."""

    def __init__(self, kube: KubeApi, mirror: Mirror) -> None:
        self._kube = kube
        self._mirror = mirror
        self._slots = asyncio.Semaphore(AT_A_TIME)

    async def refresh(self, config: ObjectKey) -> None:
        """Read the Secrets that a RouterConfig needs, unless they are known. Raises `KubeError`."""
        named = {*self._mirror.secrets_of(config), secret_of_config(config)}
        await self._refresh({*named, *map(self._mirror.key_index.secret, self._keys_of(config))})

    async def refresh_key(self, router_key: ObjectKey) -> None:
        """Read the Secret of a RouterKey, unless it is known. Raises `KubeError`."""
        await self._refresh({self._mirror.key_index.secret(router_key)})

    async def _refresh(self, needed: set[ObjectKey | None]) -> None:
        known = sorted(key for key in needed if key is not None)
        outdated = [key for key in known if not self._mirror.secrets.is_current(key)]
        await asyncio.gather(*map(self._read, outdated))

    def _keys_of(self, config: ObjectKey) -> Collection[ObjectKey]:
        return self._mirror.key_index.of_router(config)

    async def _read(self, key: ObjectKey) -> None:
        async with self._slots:
            # Counted before: a change that is noticed meanwhile is another one.
            changes = self._mirror.secrets.changes(key)
            body = await self._kube.find(key, secrets_in(key.namespace), fields=SECRETS.selector)
            self._mirror.secrets.take(key, body, changes)
