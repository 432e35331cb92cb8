"""The resync: lists everything now and then, and corrects what the watches have missed.

A watch can go silent for ever while its connection looks alive, and a watch that begins anew never
tells of what was deleted meanwhile. An object that a list shows and that its watch has not reported
some seconds later is the proof: the mirror is corrected, and the watch counts as silent in
`watches.py` until it reports something.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, NamedTuple

from airouter_operator.kube.errors import KubeError, explain_failure
from airouter_operator.kube.objects import ObjectKey, object_key, resource_version_of
from airouter_operator.watching.cache import trimmed_metadata
from airouter_operator.watching.filling import fill
from airouter_operator.watching.kinds import WatchedKind, kinds_in

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from airouter_operator.kube.api import KubeApi
    from airouter_operator.kube.objects import Object
    from airouter_operator.watching.mirror import Mirror
    from airouter_operator.watching.watches import Watches

logger = logging.getLogger("airouter.operator")

DELAY = 5.0
"""Seconds that a watch gets to report what a list has shown."""


class Suspect(NamedTuple):
    """An object whose version in a list is not the one in the mirror."""

    key: ObjectKey
    mirrored: int
    """Its resourceVersion in the mirror; 0 when it is not there."""


class Resync:
    """Compares what the API server lists with what the watches have reported."""

    def __init__(
        self,
        kube: KubeApi,
        mirror: Mirror,
        watches: Watches,
        namespaces: Sequence[str | None],
        corrected: Callable[[WatchedKind, Object], None],
        clock: Callable[[], float],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Call `corrected` for each object that no watch has reported."""
        self._kube = kube
        self._mirror = mirror
        self._watches = watches
        self._namespaces = namespaces
        self._corrected = corrected
        self._clock = clock
        self._sleep = sleep
        self._compared_at = clock()

    def age(self) -> float:
        """Return the seconds since everything was last listed."""
        return self._clock() - self._compared_at

    async def run(self, interval: float, begin: Callable[[], None]) -> None:
        """Fill the mirror, `begin`, and resync from then on, until cancelled.

        That is every so many seconds, and when a watch began anew.
        """
        await fill(self._mirror, self._kube, self._namespaces)
        begin()
        restarted = self._watches.restarted
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(restarted.wait(), interval)
            restarted.clear()
            try:
                await self.once()
            except KubeError as error:
                logger.warning("no resync: %s", explain_failure("list what there is", error))

    async def once(self) -> None:
        """Compare once and correct. Raises `KubeError`."""
        suspects = {kind: await self._suspects(kind) for kind in kinds_in(self._namespaces)}
        self._compared_at = self._clock()
        if any(suspects.values()):
            await self._sleep(DELAY)
        for kind, found in suspects.items():
            for key, mirrored in found:
                if self._mirror.cache(kind).version(key) == mirrored:
                    await self._correct(kind, key)

    async def _suspects(self, kind: WatchedKind) -> list[Suspect]:
        """Return the objects that the list and the mirror do not have in the same version."""
        cache = self._mirror.cache(kind)
        listed = await self._list(kind)
        known = {key: cache.get(key) or {} for key in cache if key not in listed} | listed
        return [
            Suspect(key, cache.version(key))
            for key, body in sorted(known.items())
            if self._mirror.follows(kind, body)
            and (resource_version_of(body) if key in listed else 0) != cache.version(key)
        ]

    async def _list(self, kind: WatchedKind) -> dict[ObjectKey, Object]:
        """Return the metadata of every object of a kind that the mirror should have."""
        found = {}
        for namespace in self._namespaces:
            path = kind.path(namespace)
            async for body in self._kube.each(path, metadata_only=True, fields=kind.selector):
                if self._mirror.follows(kind, body):
                    metadata = trimmed_metadata(body["metadata"])
                    found[object_key(body)] = {**body, "metadata": metadata}
        return found

    async def _correct(self, kind: WatchedKind, key: ObjectKey) -> None:
        """Read an object anew and replace it in the mirror."""
        cache = self._mirror.cache(kind)
        former, before = cache.get(key), cache.version(key)
        body = await self._kube.find(key, kind.path(key.namespace), fields=kind.selector)
        now = resource_version_of(body) if body is not None else 0
        if now == before or cache.version(key) != before:
            return  # the watch has reported it meanwhile
        # The object may be older than the mirrored one: etcd may have been restored from a backup.
        # So it is dropped first, because an older object never replaces a newer one.
        if former is not None:
            self._mirror.drop(kind, former)
        if body is not None:
            self._mirror.put(kind, key, body)
        logger.warning("%s %s: its watch had not told of a change", kind, key)
        self._watches.missed(kind, key.namespace)
        self._corrected(kind, body or former or {})
