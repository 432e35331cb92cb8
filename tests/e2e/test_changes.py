"""A change reaches pods that run, under load, with none of them restarted."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from typing import Any

from support.resources import MASTER_KEY, secret
from support.site import Load, Site, models

LIVE_WITHIN = float(os.environ.get("LIVE_WITHIN", "60"))
"""Seconds in which a change is to be live. A second is the bar where nothing else runs on the
machine."""
BACKEND = [{"credential": "mock"}]


async def identities(site: Site) -> list[tuple[str, int]]:
    """uid and number of restarts of every router pod."""
    return sorted(
        (pod["metadata"]["uid"], pod["status"]["containerStatuses"][0]["restartCount"])
        for pod in await site.pods()
    )


async def seconds_until(url: str, wanted: Any, key: str = MASTER_KEY) -> float:
    """How long it took until ten connections in a row saw what is wanted."""
    start = since = time.monotonic()
    in_a_row = 0
    while in_a_row < 10:
        asked = time.monotonic()
        found = await models(url, key)
        in_a_row = in_a_row + 1 if found == wanted else 0
        since = asked if in_a_row == 1 else since
        if asked - start > LIVE_WITHIN:
            raise AssertionError(f"{found}, not {wanted}")
    return since - start


async def test_a_model_and_a_key_are_live_soon_after_their_patch(site: Site) -> None:
    url, names = await site.url(), ["echo", "slow", "new"]
    before = await identities(site)
    load = Load(url, "echo")
    async with load.running():
        added = [{"name": name, "backends": BACKEND} for name in names]
        await site.patch("rcfg/default", {"spec": {"models": added}})
        seconds = [await seconds_until(url, names)]
        await site.apply(secret("extra", team="sk-team-key-1"))
        client = {"name": "team", "secretRef": {"name": "extra", "key": "team"}}
        await site.patch("rcfg/default", {"spec": {"auth": {"clients": [client]}}})
        seconds += [await seconds_until(url, names, "sk-team-key-1")]
        for number in range(2, 5):
            await site.apply(secret("extra", team=f"sk-team-key-{number}"))
            seconds += [await seconds_until(url, names, f"sk-team-key-{number}")]
            assert await models(url, f"sk-team-key-{number - 1}") == 401
    # Two of five may meet a stall of the machine, which a cluster of one node shares with its load.
    assert statistics.median(seconds) < LIVE_WITHIN, seconds
    assert load.failures == []
    assert len(load.statuses) > 50
    assert await identities(site) == before


async def test_routers_live_without_their_operator(site: Site) -> None:
    url = await site.url()
    await site.scale_operator(0)
    assert await models(url) == ["echo", "slow"]
    patch = {"spec": {"models": [{"name": "meanwhile", "backends": BACKEND}]}}
    await site.patch("rcfg/default", patch)
    pod = (await site.pods())[0]["metadata"]["name"]
    await site.kubectl("delete", "pod", pod)
    await site.until_ready()
    assert await models(url) == ["echo", "slow"]
    await site.scale_operator(1)
    await seconds_until(url, ["meanwhile"])
    await site.until_programmed()


async def test_a_change_is_live_in_a_pod_that_starts_while_it_is_made(site: Site) -> None:
    url = await site.url()
    restart = asyncio.create_task(site.restart_routers())
    for number in range(10):
        names = [{"name": f"model-{number}", "backends": BACKEND}]
        await site.patch("rcfg/default", {"spec": {"models": names}})
    await restart
    await site.until_programmed()
    await seconds_until(url, ["model-9"])
