"""The cases: a fleet of routers on one RouterConfig, many RouterConfigs, a shared Secret.

Times of acknowledgements and publications are read from the operator's own log, whose clock is
ours. Each latency begins before the patch is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import httpx

from benchmarks.processes import cpu_of
from support.control_plane import ControlPlane, OperatorProcess, condition
from support.resources import MASTER_KEY, routerconfig, secret

MEBIBYTE = 1_048_576
MOCK = {"name": "mock", "type": "Mock"}
LINE = re.compile(r'^\{"time": "([^"]+)".*"message": "([^"]*)"', re.MULTILINE)
MODELS = 20
POLLS = 200
SHARED = 100
PATIENCE = 300.0


class Row(NamedTuple):
    """A line of the table."""

    what: str
    figure: str
    target: str = ""
    met: bool | None = None

    def __str__(self) -> str:
        verdict = {None: "", True: "met", False: "**missed**"}[self.met]
        return f"| {self.what} | {self.figure} | {self.target} | {verdict} |"


@dataclass(frozen=True)
class Bench:
    """The amount of measurements."""

    routers: int
    patches: int
    configs: int
    say: Callable[[str], None]


class Latencies(NamedTuple):
    """Seconds, of each patch: to the last acknowledgement, and to the status."""

    acknowledged: list[float]
    programmed: list[float]


class Spent:
    """CPU time that an operator and its routers have spent since this was made."""

    def __init__(self, operator: int, routers: Sequence[int]) -> None:
        """By their process ids."""
        self._operator = operator
        self._routers = routers
        self._before = self._now()

    def milliseconds(self, changes: int) -> tuple[float, float]:
        """For one change: of the operator, and of one router."""
        operator, routers = (
            after - before for after, before in zip(self._now(), self._before, strict=True)
        )
        share = 1000 / changes
        return operator * share, routers * share / len(self._routers)

    def _now(self) -> tuple[float, float]:
        return cpu_of(self._operator), sum(map(cpu_of, self._routers))


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


CASES = {"fleet": fleet, "crowd": crowd, "rotation": rotation}


async def patched(
    plane: ControlPlane, operator: OperatorProcess, name: str, count: int
) -> Latencies:
    """Patch a RouterConfig so many times, each when the one before has arrived everywhere."""
    found = Latencies([], [])
    key = f"{plane.namespace}/{name}"
    async with administrator(plane) as client, watching(plane, client, name) as seen:
        generation = (await anext(seen))["metadata"]["generation"]
        for number in range(count):
            generation += 1
            lines = len(acknowledgements(operator, key))
            start = time.time()
            await merge(plane, client, name, {"spec": {"models": models(f"patched-{number}")}})
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
    return httpx.AsyncClient(base_url=plane.api.url, verify=plane.api.admin_context)


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


def latency_rows(what: str, found: Latencies) -> list[Row]:
    """Medians and 99th percentiles, beside their targets."""
    median = statistics.median(found.acknowledged)
    late = percentile(found.acknowledged, 0.99)
    status = percentile(found.programmed, 0.99)
    return [
        row(what + "to the last acknowledgement, median", median, 0.1),
        row(what + "to the last acknowledgement, p99", late, 0.5),
        row(what + "to Programmed=True, p99", status, 1.0),
    ]


def row(what: str, seconds: float, target: float) -> Row:
    """A latency beside its target."""
    return Row(what, f"{seconds * 1000:.0f} ms", f"< {target * 1000:.0f} ms", seconds < target)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of all lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def mebibytes(size: int) -> str:
    """Bytes for people."""
    return f"{size / MEBIBYTE:.0f} MB"
