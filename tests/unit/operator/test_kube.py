"""The operator's client of the API server, where connections die without saying so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from airouter_operator.kube import ApiServer, KubeError
from support.kubernetes.faults import FaultyProxy

TIMEOUT = 0.5
SLOWLY = 0.1


@pytest.fixture
async def server() -> AsyncIterator[str]:
    """Answers slowly enough for two requests to take two connections."""

    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(SLOWLY)
        return web.json_response({"items": []})

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_what_is_asked_beside_a_request_that_times_out_ends_by_itself(server: str) -> None:
    with FaultyProxy(server) as proxy:
        api = ApiServer(ApiClient(Configuration(host=proxy.url)), TIMEOUT)
        await asyncio.gather(api.get("/one"), api.get("/two"))
        await asyncio.to_thread(proxy.freeze)
        first = asyncio.create_task(api.get("/one"))
        await asyncio.sleep(TIMEOUT / 2)
        second = asyncio.create_task(api.get("/two"))
        for failing in (first, second):
            with pytest.raises(KubeError, match="timed out"):
                await failing
        assert await api.get("/three") == {"items": []}
        await api.close()


async def test_one_connection_that_is_dead_is_the_last_that_is_waited_for(server: str) -> None:
    with FaultyProxy(server) as proxy:
        api = ApiServer(ApiClient(Configuration(host=proxy.url)), TIMEOUT)
        await asyncio.gather(*(api.get("/") for _ in range(4)))
        await asyncio.to_thread(proxy.freeze)
        with pytest.raises(KubeError, match="timed out"):
            await api.get("/")
        assert await api.get("/") == {"items": []}
        await api.close()
