"""Three operators, whose leader is killed every few seconds, under load and changes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import time
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import httpx

from airouter_operator.kube.paths import configs_in
from support.config import MOCK
from support.control_plane import ControlPlane, condition
from support.http_client import http_client
from support.operator_replicas import OperatorReplicas
from support.resources import MASTER_KEY, Object, routerconfig, secret
from support.router import RouterProcess

DURATION = float(os.environ.get("FAILOVERS", "30"))
"""Seconds in which leaders are killed."""
LIVE_WITHIN = float(os.environ.get("LIVE_WITHIN", "60"))
"""Seconds in which a change is to be live. `FAILOVERS=120 LIVE_WITHIN=4` is the bar where nothing
else runs on the machine."""
BETWEEN_KILLS = 5.0
BETWEEN_CHANGES = 0.3
BETWEEN_REQUESTS = 0.01
PODS = ("pod-0", "pod-1")
SLICE: Object = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {
        "name": "router-1",
        "labels": {"airouter.dev/config": "default", "kubernetes.io/service-name": "router"},
    },
    "addressType": "IPv4",
    "endpoints": [
        {
            "addresses": [f"10.0.0.{number}"],
            "conditions": {"ready": True},
            "targetRef": {"kind": "Pod", "name": pod},
        }
        for number, pod in enumerate(PODS, start=1)
    ],
}


class Trial:
    """What clients and an onlooker see of two routers and their RouterConfig."""

    def __init__(self, plane: ControlPlane, routers: list[RouterProcess]) -> None:
        self.plane = plane
        self.over = asyncio.Event()
        self.statuses: list[int] = []
        self.live_after: list[float] = []
        """Seconds from the answer to a change until every pod serves it."""
        self.programmed = 0
        self.lies: list[str] = []
        """Statuses that said of a generation what was not so."""
        self._routers = routers
        self._clients: list[httpx.AsyncClient] = []

    @contextlib.asynccontextmanager
    async def clients(self) -> AsyncIterator[None]:
        headers = {"authorization": f"Bearer {MASTER_KEY}"}
        async with contextlib.AsyncExitStack() as stack:
            for router in self._routers:
                client = http_client(base_url=router.base_url, headers=headers)
                self._clients.append(await stack.enter_async_context(client))
            yield

    async def ask(self) -> None:
        """Ask every pod, again and again."""
        body = {"model": "steady", "messages": [{"role": "user", "content": "Hi"}]}
        while not self.over.is_set():
            for client in self._clients:
                answer = await client.post("/chat/completions", json=body)
                self.statuses.append(answer.status_code)
            await asyncio.sleep(BETWEEN_REQUESTS)

    async def change(self) -> None:
        """Change the RouterConfig, again and again, each time once the last change is live."""
        number = 0
        while not self.over.is_set():
            number += 1
            await self.plane.client.merge(
                f"{configs_in(self.plane.namespace)}/default", change(number)
            )
            since = time.monotonic()
            while await self._served() < number:
                assert time.monotonic() - since < LIVE_WITHIN, f"change {number} is not live"
                await asyncio.sleep(0.02)
            self.live_after.append(time.monotonic() - since)
            await asyncio.sleep(BETWEEN_CHANGES)

    async def watch(self) -> None:
        """Hold each status that says `Programmed` against what every pod serves."""
        numbers: dict[int, int] = {}
        async for config in self._seen():
            generation = config["metadata"]["generation"]
            numbers[generation] = number_in(config["spec"]["models"][1]["name"])
            said = condition(config.get("status") or {}, "Programmed") or {}
            about = said.get("observedGeneration")
            if said.get("status") == "True" and about in numbers:
                self.programmed += 1
                if (served := await self._served()) < numbers[about]:
                    self.lies.append(f"{said['message']}: {numbers[about]}, but served is {served}")

    def told(self, kills: int) -> str:
        """What was tried, and how long changes took."""
        seconds = sorted(self.live_after)
        median, slowest = statistics.median(seconds), seconds[-1]
        return (
            f"{kills} leaders killed, {len(self.statuses)} requests, {self.programmed} times"
            f" Programmed, {len(seconds)} changes, live after {median:.2f} s (median),"
            f" {slowest:.1f} s (slowest), {sum(each > 4 for each in seconds)} after more than 4 s"
        )

    async def _served(self) -> int:
        """The last change that every pod serves."""
        answers = [(await client.get("/models")).json() for client in self._clients]
        return min(number_in(each["id"]) for answer in answers for each in answer["data"][1:])

    async def _seen(self) -> AsyncIterator[Object]:
        """The RouterConfig as it is and whenever it changes."""
        api = self.plane.api
        query = {"watch": "true", "fieldSelector": "metadata.name=default"}
        path = configs_in(self.plane.namespace)
        async with (
            http_client(base_url=api.url, verify=api.admin_context, timeout=None) as client,
            client.stream("GET", path, params=query) as answer,
        ):
            async for line in answer.aiter_lines():
                yield json.loads(line)["object"]


def change(number: int) -> dict[str, Any]:
    names = ("steady", f"change-{number}")
    models = [{"name": name, "backends": [{"credential": "mock"}]} for name in names]
    return {"spec": {"models": models}}


def number_in(name: str) -> int:
    return int(name.removeprefix("change-"))


async def test_no_request_is_lost_and_no_status_lies_while_leaders_are_killed(
    plane: ControlPlane, record_property: Callable[[str, object], None]
) -> None:
    config = routerconfig(MOCK, models={})
    config["spec"] |= change(0)["spec"]
    await plane.apply(config, secret("keys", master=MASTER_KEY), SLICE)
    replicas = OperatorReplicas(plane, Random(18))
    async with replicas.running(3, LEASE_DURATION="2"), contextlib.AsyncExitStack() as stack:
        mount = await plane.mount()
        pods = [await stack.enter_async_context(plane.router(pod, mount=mount)) for pod in PODS]
        await plane.until(lambda s: s["pods"] == "2/2")
        trial = Trial(plane, pods)
        async with trial.clients(), asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(trial.watch())
            working = [tasks.create_task(trial.ask()), tasks.create_task(trial.change())]
            until = time.monotonic() + DURATION
            while time.monotonic() < until:
                pause = asyncio.create_task(asyncio.sleep(BETWEEN_KILLS))
                await replicas.kill_leader()
                await pause
            trial.over.set()
            await asyncio.wait(working)
            await plane.until_condition("Programmed", "True")
            watching.cancel()
        record_property("failovers", trial.told(replicas.kills))
        assert set(trial.statuses) == {200}
        assert trial.lies == []
        assert trial.programmed
        assert max(trial.live_after) < LIVE_WITHIN
