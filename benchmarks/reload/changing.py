"""Changes, and when they have arrived.

Times of acknowledgements and publications are read from the operator's own log, whose clock is
ours. Each latency begins before the patch is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

import httpx

from benchmarks.reload.figures import Latencies
from support.control_plane import ControlPlane, OperatorProcess, condition
from support.resources import routerconfig

MOCK = {"name": "mock", "type": "Mock"}
LINE = re.compile(r'^\{"time": "([^"]+)".*"message": "([^"]*)"', re.MULTILINE)
MODELS = 20
PATIENCE = 300.0


async def patched(
    plane: ControlPlane,
    operator: OperatorProcess,
    name: str,
    count: int,
    models_of: Callable[[str], list[dict[str, object]]] | None = None,
) -> Latencies:
    """Patch a RouterConfig so many times, each when the one before has arrived everywhere.

    `models_of` returns all models with one of that name; twenty where it is None.
    """
    make = models_of or models
    found = Latencies([], [], [])
    key = f"{plane.namespace}/{name}"
    async with administrator(plane) as client, watching(plane, client, name) as seen:
        generation = (await anext(seen))["metadata"]["generation"]
        for number in range(count):
            generation += 1
            lines = len(acknowledgements(operator, key))
            start = time.time()
            await merge(plane, client, name, {"spec": {"models": make(f"patched-{number}")}})
            found.answered.append(time.time() - start)
            async with asyncio.timeout(30):
                while not is_programmed((await anext(seen))["status"], generation):
                    pass
            found.programmed.append(time.time() - start)
            found.acknowledged.append(acknowledgements(operator, key)[lines:][-1] - start)
    return found


def is_programmed(status: dict[str, object], generation: int) -> bool:
    """True if every pod runs that generation, as the status says."""
    found = condition(status, "Programmed") or {}
    return (found["status"], found["observedGeneration"]) == ("True", generation)


def models(first: str) -> list[dict[str, object]]:
    """Twenty models, the first of that name."""
    names = [first, *(f"model-{number}" for number in range(1, MODELS))]
    return [{"name": name, "backends": [{"credential": "mock"}]} for name in names]


async def create_many(plane: ControlPlane, count: int, keys: str) -> None:
    """RouterConfigs that all name one Secret, created over a few connections."""
    numbers = iter(range(count))

    async def create() -> None:
        for number in numbers:
            body = routerconfig(MOCK, models={}, name=f"config-{number}")
            body["spec"]["models"] = models(f"first-{number}")
            body["spec"]["auth"]["masterKey"]["secretRef"]["name"] = keys
            await plane.client.create(plane.path("routerconfigs"), body)

    await asyncio.gather(*(create() for _ in range(8)))


def administrator(plane: ControlPlane) -> httpx.AsyncClient:
    """A client with all rights that keeps its connections: to make them is not what is measured."""
    return httpx.AsyncClient(
        base_url=plane.api.url, verify=plane.api.admin_context, timeout=PATIENCE
    )


async def merge(
    plane: ControlPlane, client: httpx.AsyncClient, what: str, patch: dict[str, object]
) -> None:
    """A merge patch as `kubectl patch` sends it, without the time that kubectl takes to start."""
    path = plane.path(what if "/" in what else f"routerconfigs/{what}")
    headers = {"content-type": "application/merge-patch+json"}
    answer = await client.patch(path, content=json.dumps(patch), headers=headers)
    answer.raise_for_status()


@contextlib.asynccontextmanager
async def watching(
    plane: ControlPlane, client: httpx.AsyncClient, name: str
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """A RouterConfig as it is and whenever it changes, as `kubectl wait` sees it.

    To ask for it again and again would keep the API server from what is measured.
    """
    query = {"watch": "true", "fieldSelector": f"metadata.name={name}"}
    path = plane.path("routerconfigs")
    async with client.stream("GET", path, params=query, timeout=PATIENCE) as answer:
        yield (json.loads(line)["object"] async for line in answer.aiter_lines())


@contextlib.asynccontextmanager
async def polling(plane: ControlPlane, name: str, count: int) -> AsyncIterator[None]:
    """So many long polls by the client that routers have, with nothing behind it."""
    mount = await plane.mount(name)
    module = "benchmarks.reload.polls"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, str(mount), str(count)
    )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):  # it failed, and has said so
            process.kill()
        await process.wait()


def said(operator: OperatorProcess, wanted: str) -> list[float]:
    """When the operator logged lines that match, in Unix seconds."""
    pattern = re.compile(wanted)
    return [
        datetime.fromisoformat(moment).timestamp()
        for moment, message in LINE.findall(operator.log)
        if pattern.search(message)
    ]


def acknowledgements(operator: OperatorProcess, key: str) -> list[float]:
    """When all pods of a RouterConfig ran another version."""
    return said(operator, rf"^{key}: all \d+ pods run ")


def last_published(operator: OperatorProcess) -> float:
    """When the last snapshot was published."""
    return said(operator, " is published, ")[-1]


async def until_published(operator: OperatorProcess, count: int) -> None:
    """Wait for so many publications in all."""
    async with asyncio.timeout(PATIENCE):
        while len(said(operator, " is published, ")) < count:
            await asyncio.sleep(0.1)


async def until_told(plane: ControlPlane, count: int) -> None:
    """Wait until so many RouterConfigs have a status."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = [each async for each in plane.client.each(plane.path("routerconfigs"))]
            if sum("status" in each for each in found) >= count:
                return
            await asyncio.sleep(0.2)
