"""Models in the cluster: routers follow the pods of a Service, and lose nothing on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest

from support.config import MOCK
from support.control_plane import PATIENCE, ControlPlane, condition
from support.http_client import http_client
from support.model_servers import NAME, PORT, ModelServers, model_servers
from support.resources import MASTER_KEY, Object, routerconfig, secret
from support.router import RouterProcess

MODEL = {"name": "vllm", "type": "OpenAICompatible", "service": {"name": NAME, "port": PORT}}
BODY = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
HEADERS = {"authorization": f"Bearer {MASTER_KEY}"}
STREAMS = 50
FIELD = "spec.credentials[name=vllm].service"


class Clients:
    """Clients of a router, and the streams that they have open."""

    def __init__(self, router: RouterProcess, client: httpx.AsyncClient) -> None:
        self.router = router
        self._client = client
        self._streams: list[asyncio.Task[str]] = []

    async def open(self, count: int) -> None:
        """Open so many streams, each of which has begun."""
        begun = [asyncio.Event() for _ in range(count)]
        self._streams += [asyncio.create_task(self._stream(event)) for event in begun]
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(event.wait() for event in begun))

    async def _stream(self, begun: asyncio.Event) -> str:
        text = ""
        async with self._client.stream("POST", "/chat/completions", json=BODY) as response:
            async for piece in response.aiter_text():
                begun.set()
                text += piece
        return text

    async def ends(self) -> list[str]:
        """The last event of every stream that was opened."""
        async with asyncio.timeout(PATIENCE):
            texts = await asyncio.gather(*self._streams)
        return [text.split("\n\n")[-2] for text in texts]

    async def status(self) -> tuple[int, str]:
        """Status and code of one more request, which nobody answers."""
        answer = await self._client.post("/chat/completions", json=BODY)
        return answer.status_code, answer.json()["error"]["code"]

    async def version(self) -> str:
        return str((await self.router.health())["config"]["version"])


@pytest.fixture
async def servers() -> AsyncIterator[ModelServers]:
    async with model_servers(5) as found:
        yield found


@pytest.fixture
async def declared(plane: ControlPlane, servers: ModelServers) -> ControlPlane:
    await plane.apply(
        servers.service(),
        servers.endpoint_slice(ready=2),
        secret("keys", master=MASTER_KEY),
        routerconfig(MODEL, models={"m": "vllm"}),
    )
    return plane


async def scale(clients: Clients, plane: ControlPlane, slice_: Object) -> None:
    """Have other pods ready, and wait until the router knows."""
    before = await clients.version()
    await plane.apply(slice_)
    await clients.router.until_live(before)


def has_another(former: set[str], status: dict[str, Any]) -> bool:
    """Whether another version is published than the former ones."""
    return status["snapshot"]["version"] not in former


def asked(servers: ModelServers) -> list[int]:
    return [server.asked for server in servers.servers]


async def test_pods_come_and_go_under_fifty_streams_and_none_is_cut(
    declared: ControlPlane, servers: ModelServers
) -> None:
    plane = declared
    async with (
        plane.operator(),
        plane.router() as router,
        http_client(base_url=router.base_url, headers=HEADERS, timeout=60) as client,
    ):
        clients = Clients(router, client)
        await plane.until_condition("Ready", "True")
        await clients.open(STREAMS)
        assert asked(servers) == [25, 25, 0, 0, 0]

        await scale(clients, plane, servers.endpoint_slice(ready=5))
        await clients.open(30)
        assert asked(servers) == [25, 25, 10, 10, 10], "the new ones get work"

        await scale(clients, plane, servers.endpoint_slice(ready=1))
        await clients.open(10)
        assert asked(servers) == [35, 25, 10, 10, 10], "those that leave get nothing new"

        servers.end_streams()
        assert await clients.ends() == ["data: [DONE]"] * (STREAMS + 40)
        assert servers.servers[0].hosts == {f"{NAME}.{plane.namespace}.svc"}


async def test_a_service_without_a_pod_that_is_ready_is_told_and_comes_back(
    declared: ControlPlane, servers: ModelServers
) -> None:
    plane = declared
    async with (
        plane.operator(),
        plane.router() as router,
        http_client(base_url=router.base_url, headers=HEADERS, timeout=60) as client,
    ):
        clients = Clients(router, client)
        await plane.until_condition("Ready", "True")
        await scale(clients, plane, servers.endpoint_slice(ready=0))
        status = await plane.until(
            lambda s: (condition(s, "Ready") or {})["reason"] == "NoUsableBackend"
        )
        found = condition(status, "PartiallyInvalid") or {}
        assert found["reason"] == "NoReadyEndpoints"
        assert f"{FIELD}: no pod of Service '{NAME}' is ready" in found["message"]
        assert await clients.status() == (503, "no_backend")

        await scale(clients, plane, servers.endpoint_slice(ready=1))
        servers.end_streams()
        await clients.open(1)
        assert await clients.ends() == ["data: [DONE]"]


async def test_a_service_that_is_missing_is_used_once_it_is_there(
    plane: ControlPlane, servers: ModelServers
) -> None:
    await plane.apply(secret("keys", master=MASTER_KEY), routerconfig(MODEL, models={"m": "vllm"}))
    async with plane.operator():
        found = await plane.until_condition("ResolvedRefs", "False", "ServiceNotFound")
        assert f"{FIELD}: there is no Service '{NAME}'" in found["message"]
        await plane.apply(servers.endpoint_slice(ready=1), servers.service())
        await plane.until_condition("ResolvedRefs", "True")
        await plane.until(lambda s: s["credentials"] == "1/1")
        await plane.kubectl("delete", "service", NAME)
        await plane.until(lambda s: s["credentials"] == "0/1")


async def test_a_service_of_a_namespace_that_is_not_watched_is_refused_with_the_remedy(
    plane: ControlPlane,
) -> None:
    theirs = {**MODEL, "service": {"name": NAME, "namespace": "kube-system", "port": PORT}}
    await plane.apply(
        secret("keys", master=MASTER_KEY), routerconfig(theirs, MOCK, models={"m": "vllm"})
    )
    async with plane.operator():
        found = await plane.until_condition("ResolvedRefs", "False", "NamespaceNotWatched")
        assert found["message"].startswith(
            f"{FIELD}: is in namespace 'kube-system', which the operator does not watch (fix: use"
        )


async def test_pods_that_come_and_go_are_told_by_the_watch_and_not_found_out_by_the_resync(
    declared: ControlPlane, servers: ModelServers
) -> None:
    plane = declared
    async with plane.operator(RESYNC="0.2") as operator:
        await plane.until_condition("Accepted", "True")
        for ready in (3, 1, 4):
            former = {(await plane.status())["snapshot"]["version"]}
            await plane.apply(servers.endpoint_slice(ready))
            await plane.until(partial(has_another, former))
        assert "had not told of a change" not in operator.log
        assert await operator.metric("services") == 1
