"""Routers are replaced under load: no request fails, and no stream is cut."""

from __future__ import annotations

import asyncio

import pytest

from support.site import Load, Site, long_stream

STREAMS = 50
WORDS = 600


@pytest.mark.parametrize("how", ["restart", "upgrade"])
async def test_a_rollout_cuts_nobody_off(site: Site, how: str) -> None:
    url = await site.url()
    load = Load(url, "echo")
    streams = [asyncio.create_task(long_stream(url, "slow")) for _ in range(STREAMS)]
    async with load.running():
        await asyncio.sleep(1)
        if how == "restart":
            await site.restart_routers()
        else:
            await site.install(router__podAnnotations={"upgrade": "yes"})
            await site.until_ready()
    answers = await asyncio.gather(*streams)
    assert load.failures == []
    assert len(load.statuses) > 100
    assert {lines[-1] for lines in answers} == {"data: [DONE]"}
    assert min(sum('"content"' in line for line in lines) for lines in answers) >= WORDS
