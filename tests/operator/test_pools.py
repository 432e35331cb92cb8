"""Models in an InferencePool: routers follow its pods, which no watch tells of."""

from __future__ import annotations

import httpx

from support.control_plane import ControlPlane
from support.http_client import http_client
from support.inference_pools import install_pool_crd, pool, put_pod
from support.model_servers import model_servers
from support.resources import MASTER_KEY, routerconfig, secret

MODEL = {"name": "qwen", "type": "OpenAICompatible", "inferencePool": {"name": "qwen"}}
BODY = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
HEADERS = {"authorization": f"Bearer {MASTER_KEY}"}


async def ask(client: httpx.AsyncClient) -> int:
    return (await client.post("/chat/completions", json=BODY)).status_code


async def test_routers_ask_the_pods_of_a_pool_that_are_ready(plane: ControlPlane) -> None:
    await install_pool_crd(plane)
    await plane.apply(secret("keys", master=MASTER_KEY), routerconfig(MODEL, models={"m": "qwen"}))
    async with model_servers(2) as servers, plane.operator():
        found = await plane.until_condition("ResolvedRefs", "False", "InferencePoolNotFound")
        assert "there is no InferencePool 'qwen'" in found["message"]

        servers.end_streams()
        first, second = servers.servers
        await plane.apply(pool("qwen", servers.port))
        await plane.until_condition("PartiallyInvalid", "True", "NoReadyEndpoints")
        await put_pod(plane, "qwen-0", first.address, ready=True)
        await put_pod(plane, "qwen-1", second.address, ready=False)
        await plane.until_condition("PartiallyInvalid", "False")
        async with (
            plane.router() as router,
            http_client(base_url=router.base_url, headers=HEADERS, timeout=60) as client,
        ):
            assert [await ask(client) for _ in range(4)] == [200] * 4
            assert (first.asked, second.asked) == (4, 0)
            assert first.hosts == {f"qwen.{plane.namespace}.inferencepool.invalid"}

            before = str((await router.health())["config"]["version"])
            await put_pod(plane, "qwen-1", second.address, ready=True)
            await plane.kubectl("delete", "pod", "qwen-0", "--force", "--grace-period=0")
            await router.until_live(before)
            while not second.asked:
                assert await ask(client) == 200


async def test_a_pool_of_a_namespace_that_is_not_watched_is_refused(plane: ControlPlane) -> None:
    elsewhere = {**MODEL, "inferencePool": {"name": "qwen", "namespace": "kube-system"}}
    await plane.apply(
        secret("keys", master=MASTER_KEY), routerconfig(elsewhere, models={"m": "qwen"})
    )
    async with plane.operator():
        await plane.until_condition("ResolvedRefs", "False", "NamespaceNotWatched")
