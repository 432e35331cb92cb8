"""The operator's client of the API server: connections that die, and answers that are none."""

from __future__ import annotations

import asyncio

import pytest

from airouter_operator.kube.errors import KubeError
from support.api_pages import asking, serving
from support.kubernetes.faults import FaultyProxy

TIMEOUT = 3.0
SLOWLY = 0.2
"""Enough for two requests to take two connections."""


async def test_what_is_asked_beside_a_request_that_times_out_ends_by_itself() -> None:
    async with serving({}, SLOWLY) as url:
        with FaultyProxy(url) as proxy:
            async with asking(proxy.url, TIMEOUT) as (api, client):
                await asyncio.gather(api.get("/one"), api.get("/two"))
                await asyncio.to_thread(proxy.freeze)
                first = asyncio.create_task(api.get("/one"))
                await asyncio.sleep(SLOWLY)
                second = asyncio.create_task(api.get("/two"))
                session = client.rest_client.pool_manager
                assert session is not None
                for failing in (first, second):
                    with pytest.raises(KubeError, match="timed out"):
                        await failing
                assert session.closed
                assert await api.get("/three") == {"items": []}


async def test_one_connection_that_is_dead_is_the_last_that_is_waited_for() -> None:
    async with serving({}, SLOWLY) as url:
        with FaultyProxy(url) as proxy:
            async with asking(proxy.url, TIMEOUT) as (api, _):
                await asyncio.gather(*(api.get("/") for _ in range(4)))
                await asyncio.to_thread(proxy.freeze)
                with pytest.raises(KubeError, match="timed out"):
                    await api.get("/")
                assert await api.get("/") == {"items": []}


@pytest.mark.parametrize("page", ["<html>Be patient</html>", "[]", {"kind": "Status"}])
async def test_an_answer_that_is_no_list_is_a_failure_and_not_an_empty_one(page: object) -> None:
    async with serving({"/things": page}) as url, asking(url) as (api, _):
        with pytest.raises(KubeError, match="GET /things: the answer is no"):
            _ = [each async for each in api.each("/things")]
