"""Reading Services: those that a RouterConfig names and that were changed, with their pods."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from airouter_operator.kube.paths import endpoint_slices_in, services_in
from airouter_operator.watching.services import SERVICE_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter_operator.kube.api import KubeApi
    from airouter_operator.kube.objects import ObjectKey
    from airouter_operator.watching.mirror import Mirror

AT_A_TIME = 16


class ServiceReader:
    """Brings the Services in the mirror up to date, in the namespaces that are watched."""

    def __init__(self, kube: KubeApi, mirror: Mirror, namespaces: Sequence[str | None]) -> None:
        """Read in these namespaces; None alone is the whole cluster."""
        self._kube = kube
        self._mirror = mirror
        self._namespaces = frozenset(namespaces)
        self._slots = asyncio.Semaphore(AT_A_TIME)

    async def refresh(self, config: ObjectKey) -> None:
        """Read the Services that a RouterConfig names, unless known. Raises `KubeError`."""
        outdated = [
            key
            for key in sorted(self._mirror.services_of(config))
            if not self._namespaces.isdisjoint((None, key.namespace))
            and not self._mirror.services.is_current(key)
        ]
        await asyncio.gather(*map(self._read, outdated))

    async def _read(self, key: ObjectKey) -> None:
        async with self._slots:
            # Counted before: a change that is noticed meanwhile is another one.
            changes = self._mirror.services.changes(key)
            body = await self._kube.find(key, services_in(key.namespace))
            path, labels = endpoint_slices_in(key.namespace), f"{SERVICE_NAME}={key.name}"
            slices = [each async for each in self._kube.each(path, labels=labels)]
            self._mirror.services.take(key, body, slices, changes)
