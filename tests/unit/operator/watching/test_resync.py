"""The resync: what the watches have missed."""

from __future__ import annotations

from airouter_operator.kube.objects import Object, ObjectKey, object_key
from airouter_operator.kube.paths import configs_in, endpoint_slices_in
from airouter_operator.watching.kinds import ENDPOINT_SLICES, ROUTER_CONFIGS, WatchedKind
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


async def test_pods_that_no_watch_has_told_of_are_about_those_that_name_their_service() -> None:
    mirror, missed = Mirror(), []
    service = ObjectKey("ai", "vllm")
    config = listing(version=1, model="m")["items"][0]
    config["spec"]["credentials"] = [{"name": "c", "service": {"name": "vllm", "port": 80}}]
    mirror.put(ROUTER_CONFIGS, KEY, config)
    mirror.services.take(service, None, [pods("known", "vllm")], 0)
    slices = {"items": [pods("new", "vllm"), pods("other", "other")]}
    pages: dict[str, object] = {CONFIGS_PATH: {"items": [config]}, endpoint_slices_in("ai"): slices}

    def note(kind: WatchedKind, body: Object) -> None:
        missed.append((kind, body["metadata"]["name"], list(mirror.concerned(kind, body))))

    async with serving(pages) as url, asking(url) as (api, _):
        watches = Watches(["ai"], Clock())
        resync = Resync(api, mirror, watches, ["ai"], note, Clock(), sleep=without_delay)
        await resync.once()
    assert (ENDPOINT_SLICES, "new", [KEY]) in missed
    assert "other" not in [name for _, name, _ in missed]
    assert not mirror.services.is_current(service)


def pods(name: str, service: str) -> Object:
    labels = {"kubernetes.io/service-name": service}
    metadata = {"namespace": "ai", "name": name, "resourceVersion": "7", "labels": labels}
    return {"metadata": metadata, "addressType": "IPv4", "endpoints": []}
