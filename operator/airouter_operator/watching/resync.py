"""Lists everything now and then, and mends what the watches have missed.

A watch can go silent for ever while its connection looks alive, and a watch that begins anew never
tells of what was deleted meanwhile. What a list shows and a watch has not told some seconds later
is the proof; then the mirror is corrected, and `health.py` knows that the watch is dead until it
speaks again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, NamedTuple

from airouter_operator.kube import (
    Kube,
    KubeError,
    Object,
    ObjectKey,
    configs_in,
    object_key,
    resource_version_of,
    secrets_in,
)
from airouter_operator.preflight import obstacle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from airouter_operator.watching.mirror import Mirror, ObjectCache

logger = logging.getLogger("airouter.operator")

CONFIGS, SECRETS = "routerconfigs", "secrets"
KINDS = (CONFIGS, SECRETS)
NEVER_NAMED = "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token"
"""Secrets that no RouterConfig names; some of them are many and large."""
DELAY = 5.0
"""Seconds that a watch gets to tell what a list has shown."""


class Watch(NamedTuple):
    """What kopf watches: a kind of objects, in a namespace or in the cluster."""

    kind: str
    namespace: str | None

    def __str__(self) -> str:
        return self.kind if self.namespace is None else f"{self.kind} in {self.namespace}"


class Watches:
    """When each watch was last heard of, and since when it is known to be silent."""

    def __init__(self, namespaces: Sequence[str | None], clock: Callable[[], float]) -> None:
        """`namespaces` are those that are watched, or None alone for the cluster."""
        self._clock = clock
        self._clusterwide = None in namespaces
        self._heard = {Watch(kind, each): clock() for kind in KINDS for each in namespaces}
        self._silent: dict[Watch, float] = {}

    def heard(self, kind: str, namespace: str) -> None:
        watch = self._watch(kind, namespace)
        self._heard[watch] = self._clock()
        self._silent.pop(watch, None)

    def missed(self, kind: str, namespace: str) -> None:
        self._silent.setdefault(self._watch(kind, namespace), self._clock())

    def age(self, kind: str) -> float:
        """Seconds since the quietest watch of a kind told of anything."""
        return self._clock() - min(at for watch, at in self._heard.items() if watch.kind == kind)

    def dead(self, patience: float) -> list[Watch]:
        """Those that missed something and told nothing for so many seconds since."""
        now = self._clock()
        return [watch for watch, since in self._silent.items() if now - since >= patience]

    def _watch(self, kind: str, namespace: str) -> Watch:
        return Watch(kind, None if self._clusterwide else namespace)


class ListedVersion(NamedTuple):
    """An object as a list shows it."""

    key: ObjectKey
    version: int


class Resync:
    """Compares what the API server lists with what the watches have told."""

    def __init__(
        self,
        kube: Kube,
        mirror: Mirror,
        namespaces: Sequence[str | None],
        missed: Callable[[str, ObjectKey], None],
        clock: Callable[[], float],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`missed` is told of each object that was corrected, by its kind and key."""
        self._kube = kube
        self._mirror = mirror
        self._namespaces = namespaces
        self._missed = missed
        self._clock = clock
        self._sleep = sleep
        self._compared_at = clock()
        self._wanted = asyncio.Event()

    def hurry(self) -> None:
        """Resync soon: a watch began anew, which never tells of what was deleted meanwhile."""
        self._wanted.set()

    def age(self) -> float:
        """Seconds since everything was last listed."""
        return self._clock() - self._compared_at

    async def run(self, interval: float) -> None:
        """Resync every so many seconds, and when somebody asks, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), interval)
            self._wanted.clear()
            try:
                await self.once()
            except KubeError as error:
                logger.warning("no resync: %s", obstacle("list what there is", error))

    async def once(self) -> None:
        """Compare once and correct. Raises `KubeError`."""
        suspects = {kind: await self._differences(kind) for kind in KINDS}
        self._compared_at = self._clock()
        if any(suspects.values()):
            await self._sleep(DELAY)
        for kind, shown in suspects.items():
            for key, version in shown:
                if self._shelf(kind).version(key) != version:
                    continue  # the watch has told of it by now
                await self._correct(kind, key)

    async def _differences(self, kind: str) -> list[ListedVersion]:
        """What the mirror has of objects of which a list shows something newer, or nothing."""
        shelf = self._shelf(kind)
        listed = {shown.key: shown.version for shown in await self._list(kind)}
        keys = {*shelf, *listed}
        return [
            ListedVersion(key, shelf.version(key))
            for key in sorted(keys)
            if listed.get(key, 0) != shelf.version(key)
        ]

    async def _list(self, kind: str) -> Iterable[ListedVersion]:
        bodies = []
        for namespace in self._namespaces:
            if kind == CONFIGS:
                bodies += await self._kube.list(configs_in(namespace), metadata_only=True)
            else:
                bodies += await self._kube.list(
                    secrets_in(namespace), metadata_only=True, fields=NEVER_NAMED
                )
        return [ListedVersion(object_key(body), resource_version_of(body)) for body in bodies]

    async def _correct(self, kind: str, key: ObjectKey) -> None:
        """Read an object itself, and have the mirror say what it says.

        What is read counts though it be older: etcd may have been restored from a backup.
        """
        parent = configs_in(key.namespace) if kind == CONFIGS else secrets_in(key.namespace)
        before = self._shelf(kind).version(key)
        body = await self._kube.find(key, parent)
        now = resource_version_of(body) if body is not None else 0
        if now == before or self._shelf(kind).version(key) != before:
            return  # the watch has told of it meanwhile
        self._replace(kind, key, body)
        logger.warning("%s %s: its watch had not told of a change", kind, key)
        self._missed(kind, key)

    def _replace(self, kind: str, key: ObjectKey, body: Object | None) -> None:
        if kind == CONFIGS:
            self._mirror.drop_config(key)
            if body is not None:
                self._mirror.put_config(body, key)
        else:
            self._mirror.secrets.drop(key)
            if body is not None:
                self._mirror.secrets.put(key, body)

    def _shelf(self, kind: str) -> ObjectCache:
        return self._mirror.configs if kind == CONFIGS else self._mirror.secrets
