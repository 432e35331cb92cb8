"""The resync: what the watches have missed."""

from __future__ import annotations

from airouter_operator.kube.objects import Object, ObjectKey, object_key
from airouter_operator.kube.paths import configs_in
from airouter_operator.watching.kinds import ROUTER_CONFIGS, WatchedKind
from airouter_operator.watching.mirror import Mirror
from airouter_operator.watching.resync import Resync
from airouter_operator.watching.watches import Watches
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

    def note(kind: WatchedKind, body: Object) -> None:
        missed.append((kind, object_key(body)))

    async with serving(pages) as url, asking(url) as (api, _):
        watches = Watches(["ai"], Clock())
        resync = Resync(api, mirror, watches, ["ai"], note, Clock(), sleep=without_delay)
        await resync.once()
        pages[CONFIGS_PATH] = listing(version=50, model="old")
        await resync.once()
        await resync.once()
    assert (mirror.configs.get(KEY) or {})["spec"]["models"] == [{"name": "old"}]
    assert missed == [(ROUTER_CONFIGS, KEY), (ROUTER_CONFIGS, KEY)]
