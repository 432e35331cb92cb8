"""RouterKeys by the thousand: until all are good, and one more among them."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator

from airouter_operator.kube.paths import router_keys_in
from benchmarks.processes import cpu_of
from benchmarks.reload.changing import PATIENCE, administrator
from benchmarks.reload.figures import Bench, Row, Spent, mebibytes, row
from support.control_plane import ControlPlane
from support.router_keys import grant_to, granting, key_in, models_of, router_key

MODELS = ["gpt-4o", "o3"]
BACK = 1200
"""Seconds for an operator that is there again, and for all keys."""


async def keys(bench: Bench, plane: ControlPlane) -> AsyncIterator[Row]:
    """Many RouterKeys of one RouterConfig: until all are good, one more, and a new operator."""
    await plane.apply(*granting(grant_to(plane.namespace)))
    what = f"{bench.keys:,} RouterKeys: "
    async with plane.operator() as operator, plane.router(mount=await plane.mount()) as router:
        await plane.until(lambda s: s["pods"] == "1/1", seconds=60)
        spent = Spent(operator.process.pid, [router.process.pid])
        start = time.time()
        await create_keys(plane, bench.keys)
        yield Row(what + "until they are created", f"{time.time() - start:.1f} s")
        await until_ready(plane, bench.keys)
        yield Row(what + "until all are Ready", f"{time.time() - start:.1f} s")
        by_operator, by_router = spent.milliseconds(bench.keys)
        yield Row(what + "CPU of the operator for one", f"{by_operator:.1f} ms")
        yield Row(what + "CPU of the router for one", f"{by_router:.1f} ms")
        yield Row(what + "memory of the operator", mebibytes(operator.memory()))
        yield Row(what + "the snapshot's Secrets", await sizes(plane))
        start = time.time()
        await plane.client.create(router_keys_in(plane.namespace), router_key("late"))
        key = (await key_in(plane, "late"))["OPENAI_API_KEY"]
        async with asyncio.timeout(PATIENCE):
            while await models_of(router, key) != MODELS:
                await asyncio.sleep(0.01)
        yield row("one more among them: from before it is created to live", time.time() - start, 1)
        await operator.stop()
    await plane.client.create(router_keys_in(plane.namespace), router_key("later"))
    start = time.time()
    async with plane.operator() as operator:
        await key_in(plane, "later")
        found = time.time() - start
        yield Row(what + "start of an operator to the key of one that waits", f"{found:.1f} s")
        await asyncio.sleep(5)
        seconds = cpu_of(operator.process.pid)
        yield Row(
            what + "its CPU and memory then", f"{seconds:.1f} s, {mebibytes(operator.memory())}"
        )


async def create_keys(plane: ControlPlane, count: int) -> None:
    """Create RouterKeys over a few connections."""
    numbers = iter(range(count))

    async def create() -> None:
        for number in numbers:
            await plane.client.create(router_keys_in(plane.namespace), router_key(f"key-{number}"))

    await asyncio.gather(*(create() for _ in range(8)))


async def until_ready(plane: ControlPlane, count: int) -> None:
    """Wait until so many RouterKeys are Ready."""
    query = {"limit": "20000", "resourceVersion": "0"}
    async with administrator(plane) as client, asyncio.timeout(BACK):
        while True:
            found = await client.get(router_keys_in(plane.namespace), params=query)
            bodies = found.json()["items"]
            if sum(is_ready(body) for body in bodies) >= count:
                return
            await asyncio.sleep(count / 500)


def is_ready(body: dict[str, object]) -> bool:
    """True for a RouterKey that is good."""
    status = body.get("status")
    conditions = status.get("conditions", ()) if isinstance(status, dict) else ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


async def sizes(plane: ControlPlane) -> str:
    """The KiB of each Secret of the snapshot."""
    found = [
        sum(len(base64.b64decode(each)) for each in (body.get("data") or {}).values()) // 1024
        async for body in plane.client.each(plane.path("secrets"))
        if body["metadata"]["name"].startswith("default-snapshot")
    ]
    return " + ".join(f"{size} KiB" for size in found)
