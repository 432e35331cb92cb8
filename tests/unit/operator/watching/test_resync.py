"""What the watches have missed, and which of them is dead."""

from __future__ import annotations

from airouter_operator.kube import Object, ObjectKey, configs_in
from airouter_operator.watching.mirror import Mirror
from airouter_operator.watching.resync import CONFIGS, SECRETS, Resync, Watches
from support.api_pages import asking, serving

KEY = ObjectKey("ai", "default")
CONFIGS_PATH = configs_in("ai")


class Clock:
    """Seconds that pass when it is said."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def listing(version: int, model: str) -> Object:
    metadata = {"namespace": KEY.namespace, "name": KEY.name, "resourceVersion": str(version)}
    return {"items": [{"metadata": metadata, "spec": {"models": [{"name": model}]}}]}


async def without_delay(_: float) -> None: ...


async def test_what_a_backup_of_etcd_has_brought_back_counts_though_it_is_older() -> None:
    mirror, missed = Mirror(), []
    pages: dict[str, object] = {CONFIGS_PATH: listing(version=100, model="new")}

    def note(kind: str, key: ObjectKey) -> None:
        missed.append((kind, key))

    async with serving(pages) as url, asking(url) as (api, _):
        resync = Resync(api, mirror, ["ai"], note, Clock(), sleep=without_delay)
        await resync.once()
        pages[CONFIGS_PATH] = listing(version=50, model="old")
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
