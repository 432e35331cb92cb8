"""The cases: a fleet on one RouterConfig, many of them, a Secret that they share, a large one."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import AsyncIterator

from benchmarks.reload.changing import (
    MOCK,
    MODELS,
    administrator,
    create_many,
    last_published,
    merge,
    patched,
    polling,
    until_published,
    until_told,
)
from benchmarks.reload.figures import Bench, Row, Spent, latency_rows, mebibytes, row
from benchmarks.reload.keys import keys
from support.control_plane import ControlPlane
from support.resources import MASTER_KEY, routerconfig, secret

POLLS = 200
SHARED = 100
CREDENTIALS, LARGE_MODELS, CLIENTS = 256, 1024, 1024
LARGE_PATCHES = 10


async def fleet(bench: Bench, plane: ControlPlane) -> AsyncIterator[Row]:
    """One RouterConfig and many router processes: patches of a model."""
    config = routerconfig(MOCK, models={f"model-{n}": "mock" for n in range(MODELS)})
    await plane.apply(config, secret("keys", master=MASTER_KEY))
    async with plane.operator() as operator, contextlib.AsyncExitStack() as stack:
        mount = await plane.mount()
        routers = [
            await stack.enter_async_context(plane.router(f"pod-{number}", mount=mount))
            for number in range(bench.routers)
        ]
        count = f"{bench.routers}/{bench.routers}"
        await plane.until(lambda s: s["pods"] == count, seconds=60)
        bench.say(f"  {bench.routers} routers are connected")
        spent = Spent(operator.process.pid, [router.process.pid for router in routers])
        found = await patched(plane, operator, "default", bench.patches)
        what = f"{bench.routers} router processes, {bench.patches} patches: "
        for row in latency_rows(what, found):
            yield row
        by_operator, by_router = spent.milliseconds(bench.patches)
        yield Row(what + "CPU of the operator for one", f"{by_operator:.1f} ms")
        yield Row(what + "CPU of one router for one", f"{by_router:.1f} ms")
        yield Row(what + "memory of the operator", mebibytes(operator.memory()))


async def crowd(bench: Bench, plane: ControlPlane) -> AsyncIterator[Row]:
    """Many RouterConfigs of 20 models: a start, then patches of one of them; 200 polls on it."""
    await plane.apply(secret("keys", master=MASTER_KEY))
    await create_many(plane, bench.configs, "keys")
    bench.say(f"  {bench.configs} RouterConfigs are there")
    start = time.time()
    async with plane.operator() as operator:
        await until_published(operator, bench.configs)
        what = f"{bench.configs} RouterConfigs of {MODELS} models: "
        yield Row(what + "start to all published", f"{last_published(operator) - start:.1f} s")
        await until_told(plane, bench.configs)
        yield Row(what + "start to every status written", f"{time.time() - start:.1f} s")
        yield Row(what + "memory of the operator", mebibytes(operator.memory()))
        async with polling(plane, "config-7", 1):
            await plane.until(lambda s: s["pods"] == "1/1", "config-7")
            found = await patched(plane, operator, "config-7", 50)
            for row in latency_rows("one patched among them, 1 poll: ", found):
                yield row
        async with polling(plane, "config-8", POLLS):
            await plane.until(lambda s: s["pods"] == f"{POLLS}/{POLLS}", "config-8", 60)
            found = await patched(plane, operator, "config-8", 50)
            for row in latency_rows(f"one patched among them, {POLLS} polls: ", found):
                yield row


async def rotation(bench: Bench, plane: ControlPlane) -> AsyncIterator[Row]:
    """A Secret that 100 RouterConfigs name is rotated."""
    await plane.apply(secret("keys", master=MASTER_KEY))
    await create_many(plane, SHARED, "keys")
    async with plane.operator() as operator:
        await until_published(operator, SHARED)
        seconds = []
        async with administrator(plane) as client:
            for number in range(1, 11):
                start = time.time()
                rotated: dict[str, object] = {"stringData": {"master": f"sk-rotated-{number}"}}
                await merge(plane, client, "secrets/keys", rotated)
                await until_published(operator, SHARED * (number + 1))
                seconds.append(last_published(operator) - start)
        what = f"a Secret of {SHARED} RouterConfigs rotated, to the last snapshot: "
        yield Row(what + "median of 10", f"{statistics.median(seconds) * 1000:.0f} ms")
        yield Row(what + "slowest", f"{max(seconds) * 1000:.0f} ms")


async def large(bench: Bench, plane: ControlPlane) -> AsyncIterator[Row]:
    """The largest RouterConfig that is thought of, and one router: patches of all its models."""
    keys = {f"client-{number}": f"sk-of-client-{number:06}" for number in range(CLIENTS)}
    provider = {f"key-{number}": f"sk-of-provider-{number:06}" for number in range(CREDENTIALS)}
    documents = secret("keys", master=MASTER_KEY, **provider), secret("clients", **keys)
    await plane.apply(*documents, large_config())
    async with plane.operator() as operator, plane.router(mount=await plane.mount()) as router:
        await plane.until(lambda s: s["pods"] == "1/1", seconds=60)
        spent = Spent(operator.process.pid, [router.process.pid])
        found = await patched(plane, operator, "default", LARGE_PATCHES, models_of=large_models)
        what = f"{CREDENTIALS} credentials, {LARGE_MODELS:,} models, {CLIENTS:,} clients: "
        yield row(what + "from the answer to live, median", statistics.median(found.live), 1.0)
        yield row(what + "from the answer to live, slowest", max(found.live), 1.0)
        by_operator, by_router = spent.milliseconds(LARGE_PATCHES)
        yield Row(what + "CPU of the operator for one", f"{by_operator:.0f} ms")
        yield Row(what + "CPU of the router for one", f"{by_router:.0f} ms")
        yield Row(what + "memory of the operator", mebibytes(operator.memory()))


CASES = {"fleet": fleet, "crowd": crowd, "rotation": rotation, "large": large, "keys": keys}


def large_config() -> dict[str, object]:
    """A RouterConfig whose credentials and clients have keys of their own."""
    credentials = [
        {
            "name": f"credential-{number}",
            "type": "OpenAICompatible",
            "baseURL": f"https://provider-{number}.example.com/v1",
            "secretRef": {"name": "keys", "key": f"key-{number}"},
            "limits": {"rpm": 1000 + number},
        }
        for number in range(CREDENTIALS)
    ]
    config = routerconfig(*credentials, models={})
    config["spec"]["models"] = large_models("first")
    config["spec"]["auth"]["clients"] = [
        {
            "name": f"client-{number}",
            "secretRef": {"name": "clients", "key": f"client-{number}"},
            "models": ["model-*"],
            "limits": {"rpm": 60},
        }
        for number in range(CLIENTS)
    ]
    return config


def large_models(first: str) -> list[dict[str, object]]:
    """Many models of two backends each, the first of that name."""
    names = [first, *(f"model-{number}" for number in range(1, LARGE_MODELS))]
    return [
        {
            "name": name,
            "backends": [
                {"credential": f"credential-{(number + each) % CREDENTIALS}", "upstreamName": name}
                for each in range(2)
            ],
        }
        for number, name in enumerate(names)
    ]
