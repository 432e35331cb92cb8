"""Probes do what they say."""

from __future__ import annotations

from support.resources import routerconfig
from support.site import ROUTERS, Site, models

MOCK = {"name": "mock", "type": "Mock"}


async def test_a_broken_snapshot_leaves_a_router_ready_with_its_last_good_one(site: Site) -> None:
    await site.scale_operator(0)
    await site.patch("secret/default-snapshot", {"data": {"snapshot.json.gz": "AAAA"}})
    before = [pod["metadata"]["uid"] for pod in await site.pods()]
    await site.until_mounted_breaks()
    assert await models(await site.url()) == ["echo", "slow"]
    assert [pod["metadata"]["uid"] for pod in await site.pods()] == before
    await site.until_ready()

    await site.kubectl("delete", "pod", (await site.pods())[0]["metadata"]["name"])
    await site.until_unready_pods(1)
    assert await models(await site.url()) == ["echo", "slow"]
    await site.scale_operator(1)
    await site.until_ready()


async def test_a_pod_without_any_snapshot_is_alive_and_not_ready(site: Site) -> None:
    await site.install(router__config="another")
    await site.until_unready_pods(1)
    assert await models(await site.url()) == ["echo", "slow"]
    await site.apply(routerconfig(MOCK, models={"other": "mock"}, name="another"))
    await site.until_ready()
    await site.until_programmed("another")

    async def served() -> bool:
        return await models(await site.url()) == ["other"]

    await site.until(served, "the other RouterConfig is what a client gets")


async def test_a_router_that_is_frozen_is_restarted(site: Site) -> None:
    pod = (await site.pods(ROUTERS))[0]
    await site.freeze(pod)

    async def restarted() -> bool:
        found = await site.get("pod", pod["metadata"]["name"])
        return bool(found["status"]["containerStatuses"][0]["restartCount"])

    await site.until(restarted, "the frozen router is restarted")
    await site.until_ready()
