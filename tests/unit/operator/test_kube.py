"""The operator's client of the API server: connections that die, and answers that are none."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from airouter_operator.kube import ApiServer, KubeError
from airouter_operator.obstacles import NOT_DISCOVERED, obstacle, reading_obstacle
from support.kubernetes.faults import FaultyProxy

TIMEOUT = 3.0
SLOWLY = 0.2
GROUPS = {"groups": [{"name": "airouter.dev"}]}
RESOURCES = {"resources": [{"name": "routerconfigs"}]}


@contextlib.asynccontextmanager
async def serving(pages: dict[str, object]) -> AsyncIterator[str]:
    """Answers what is asked for, slowly enough for two requests to take two connections."""

    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(SLOWLY)
        page = pages.get(request.path, {"items": []})
        return web.Response(text=page) if isinstance(page, str) else web.json_response(page)

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@contextlib.asynccontextmanager
async def asking(url: str) -> AsyncIterator[tuple[ApiServer, ApiClient]]:
    """The API server at a URL, and the client that is asked first."""
    client = ApiClient(Configuration(host=url))
    api = ApiServer(client, TIMEOUT)
    yield api, client
    await api.close()


async def test_what_is_asked_beside_a_request_that_times_out_ends_by_itself() -> None:
    async with serving({}) as url:
        with FaultyProxy(url) as proxy:
            async with asking(proxy.url) as (api, client):
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
    async with serving({}) as url:
        with FaultyProxy(url) as proxy:
            async with asking(proxy.url) as (api, _):
                await asyncio.gather(*(api.get("/") for _ in range(4)))
                await asyncio.to_thread(proxy.freeze)
                with pytest.raises(KubeError, match="timed out"):
                    await api.get("/")
                assert await api.get("/") == {"items": []}


@pytest.mark.parametrize("page", ["<html>Be patient</html>", "[]", {"kind": "Status"}])
async def test_an_answer_that_is_no_list_is_a_failure_and_not_an_empty_one(page: object) -> None:
    async with serving({"/things": page}) as url, asking(url) as (api, _):
        with pytest.raises(KubeError, match="GET /things: the answer is no"):
            await api.list("/things")


@pytest.mark.parametrize(
    ("pages", "found"),
    [
        ({"/apis": GROUPS, "/apis/airouter.dev/v1alpha1": RESOURCES}, ""),
        ({"/apis": GROUPS, "/apis/airouter.dev/v1alpha1": {"resources": []}}, NOT_DISCOVERED),
        ({"/apis": {"groups": []}}, NOT_DISCOVERED),
    ],
)
async def test_routerconfigs_are_waited_for_until_they_are_where_kopf_looks(
    pages: dict[str, object], found: str
) -> None:
    async with serving(pages) as url, asking(url) as (api, _):
        assert await reading_obstacle(api, ["ai"], "ai") == found


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "the API server does not take the operator's token (GET /x/routerconfigs)"),
        (403, "may not list: see manifests/install/rbac.yaml (GET /x/routerconfigs)"),
        (404, "is not installed: kubectl apply -f manifests/crds"),
        (500, "does not do as it is asked: GET /x/routerconfigs"),
    ],
)
def test_an_obstacle_is_told_with_what_would_help(status: int, said: str) -> None:
    assert obstacle("list", KubeError("GET /x/routerconfigs", status)).endswith(said)
