"""What the watches have missed, and which of them is dead."""

from __future__ import annotations

from typing import Any

from airouter_operator.kube import Key, Object
from airouter_operator.mirror import Mirror
from airouter_operator.resync import CONFIGS, SECRETS, Resync, Watches

KEY = Key("ai", "default")


class Clock:
    """Seconds that pass when it is said."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Cluster:
    """As much of an API server as a resync asks for; what a backup has brought back is older."""

    def __init__(self) -> None:
        self.config = routerconfig(version=100, model="new")

    async def list(
        self, path: str, *, metadata_only: bool = False, fields: str = ""
    ) -> list[Object]:
        return [self.config] if path.endswith("routerconfigs") else []

    async def find(self, key: Key, path: str) -> Object | None:
        return self.config

    async def get(self, path: str) -> Object:
        raise NotImplementedError

    async def create(self, path: str, body: Object) -> Object:
        raise NotImplementedError

    async def replace(self, path: str, body: Object) -> Object:
        raise NotImplementedError

    async def apply(self, path: str, body: Object) -> Object:
        raise NotImplementedError


def routerconfig(version: int, model: str) -> Object:
    metadata = {"namespace": KEY.namespace, "name": KEY.name, "resourceVersion": str(version)}
    return {"metadata": metadata, "spec": {"models": [{"name": model}]}}


async def without_delay(_: float) -> None: ...


async def test_what_a_backup_of_etcd_has_brought_back_counts_though_it_is_older() -> None:
    cluster, mirror, missed = Cluster(), Mirror(), []

    def note(*what: Any) -> None:
        missed.append(what)

    resync = Resync(cluster, mirror, ["ai"], note, Clock(), sleep=without_delay)
    await resync.once()
    cluster.config = routerconfig(version=50, model="old")
    await resync.once()
    await resync.once()
    assert (mirror.configs.get(KEY) or {})["spec"]["models"] == [{"name": "old"}]
    assert missed == [(CONFIGS, KEY), (CONFIGS, KEY)]


def test_the_watch_of_one_namespace_is_dead_whatever_is_heard_from_another() -> None:
    clock = Clock()
    watches = Watches(["a", "b"], clock)
    watches.missed(CONFIGS, "a")
    clock.now = 90
    watches.heard(CONFIGS, "b")
    watches.heard(SECRETS, "a")
    assert [str(watch) for watch in watches.dead(90)] == ["routerconfigs in a"]
    assert (watches.age(CONFIGS), watches.age(SECRETS)) == (90, 90)
    watches.heard(CONFIGS, "a")
    assert (watches.dead(0), watches.age(CONFIGS)) == ([], 0)


def test_the_watch_of_a_cluster_is_heard_from_every_namespace() -> None:
    watches = Watches([None], Clock())
    watches.missed(CONFIGS, "a")
    assert [str(watch) for watch in watches.dead(0)] == ["routerconfigs"]
    watches.heard(CONFIGS, "b")
    assert watches.dead(0) == []
