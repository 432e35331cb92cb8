"""Reading InferencePools: those that a RouterConfig names, with their pods, every few seconds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from airouter_operator.kube.errors import NotFound
from airouter_operator.kube.paths import inference_pools_in, pods_in
from airouter_operator.reconciling.endpoints import pool_addresses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter_operator.kube.api import KubeApi
    from airouter_operator.kube.objects import Object, ObjectKey
    from airouter_operator.reconciling.rechecks import Rechecks
    from airouter_operator.watching.mirror import Mirror

AT_A_TIME = 16
REFRESH = 2.0
"""Seconds after which a pool is read again; routers rest a pod that is gone in the meantime."""
FRESH = REFRESH / 2
"""Seconds in which it is not, whatever else is reconciled."""


class PoolReader:
    """Brings the InferencePools in the mirror up to date, in the namespaces that are watched."""

    def __init__(
        self, kube: KubeApi, mirror: Mirror, namespaces: Sequence[str | None], rechecks: Rechecks
    ) -> None:
        """Read in these namespaces; None alone is the whole cluster."""
        self._kube = kube
        self._mirror = mirror
        self._namespaces = frozenset(namespaces)
        self._rechecks = rechecks
        self._slots = asyncio.Semaphore(AT_A_TIME)

    async def refresh(self, config: ObjectKey) -> None:
        """Read the pools that a RouterConfig names, and again later. Raises `KubeError`."""
        watched = [
            key
            for key in sorted(self._mirror.pools_of(config))
            if not self._namespaces.isdisjoint((None, key.namespace))
        ]
        if watched:
            self._rechecks.within(config, REFRESH)
            outdated = [key for key in watched if self._mirror.pools.age(key) > FRESH]
            await asyncio.gather(*map(self._read, outdated))

    async def _read(self, key: ObjectKey) -> None:
        async with self._slots:
            try:
                pool = await self._kube.find(key, inference_pools_in(key.namespace))
            except NotFound:  # their kind is not installed
                pool = None
            labels = pod_selector(pool) if pool is not None else ""
            if pool is None or not labels:
                self._mirror.pools.take(key, None if pool is None else ())
                return
            path = pods_in(key.namespace)
            pods = [each async for each in self._kube.each(path, labels=labels)]
            self._mirror.pools.take(key, pool_addresses(pool, pods))


def pod_selector(pool: Object) -> str:
    """Return the selector of a pool's pods, as lists take it; empty if it selects nothing."""
    labels = (pool["spec"].get("selector") or {}).get("matchLabels") or {}
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
