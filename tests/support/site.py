"""The chart installed in a real cluster, and what a person would do and see there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import yaml

from support.elsewhere import Elsewhere
from support.http_client import http_client
from support.kubernetes.node.node import Node
from support.resources import MASTER_KEY

CHART = Path(__file__).parents[2] / "charts" / "auto-ai-router"
RELEASE = "airouter"
ROUTERS = "app.kubernetes.io/component=router"
ROUTER_NAME, OPERATOR_NAME = f"{RELEASE}-auto-ai-router", f"{RELEASE}-auto-ai-router-operator"
OPERATOR = "app.kubernetes.io/component=operator"
PATIENCE = 120.0
REGISTRY = os.environ.get("E2E_REGISTRY", "docker.io/library")
TAG = os.environ.get("E2E_TAG", "e2e")
PULL_POLICY = os.environ.get("E2E_PULL_POLICY", "Never")
IMAGES = (
    *(
        f'{part}.image={{"registry":"{REGISTRY}","tag":"{TAG}","pullPolicy":"{PULL_POLICY}"}}'
        for part in ("router", "operator")
    ),
    'router.service={"type":"NodePort"}',
)
"""Values by which a release runs what was built from this checkout, and can be called from here."""
HEADERS = {"authorization": f"Bearer {MASTER_KEY}"}

Object = dict[str, Any]


class Site:
    """A namespace of a cluster, with a release in it or not yet."""

    def __init__(self, node: Node | Elsewhere, namespace: str) -> None:
        self.node = node
        self.namespace = namespace

    async def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """As the administrator."""
        return await asyncio.to_thread(
            self.node.kubectl,
            "-n",
            self.namespace,
            *arguments,
            input=stdin,
            check=check,
            timeout=2 * PATIENCE,  # longer than what waits by itself
        )

    async def install(self, chart: Path = CHART, **values: Any) -> None:
        """`helm upgrade --install`. It waits for nothing: routers wait for their RouterConfig."""
        sets = [f"{name.replace('__', '.')}={json.dumps(value)}" for name, value in values.items()]
        await self.helm(
            *("upgrade", "--install", RELEASE, str(chart), "--create-namespace"),
            *(f"--set-json={each}" for each in [*IMAGES, *sets]),
        )

    async def helm(self, *arguments: str) -> str:
        return await asyncio.to_thread(self.node.helm, *arguments, "-n", self.namespace)

    async def apply(self, *documents: Object) -> None:
        text = yaml.safe_dump_all(documents)
        await self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)

    async def patch(self, what: str, patch: Object) -> None:
        """A merge patch; returns when kubectl does."""
        await self.kubectl("patch", what, "--type=merge", "-p", json.dumps(patch))

    async def get(self, *what: str) -> Object:
        found: Object = json.loads(await self.kubectl("get", *what, "-o", "json"))
        return found

    async def pods(self, selector: str = ROUTERS) -> list[Object]:
        """The pods that are not about to end."""
        pods: list[Object] = (await self.get("pods", "-l", selector))["items"]
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    async def until_programmed(self, name: str = "default") -> None:
        """As the README says it."""
        await self.kubectl("wait", "--for=condition=Programmed", f"rcfg/{name}", "--timeout=120s")

    async def until(self, wanted: Callable[[], Any], what: str, seconds: float = PATIENCE) -> None:
        """Wait until an awaitable question is answered with yes."""
        deadline = time.monotonic() + seconds
        while not await wanted():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: {what}")
            await asyncio.sleep(0.2)

    async def until_ready(self) -> None:
        """Wait until every Deployment is as it should be, and no other pod is left."""
        for deployment in (ROUTER_NAME, OPERATOR_NAME):
            await self.kubectl("rollout", "status", f"deployment/{deployment}", "--timeout=120s")
        await self.until_reachable()

    async def until_reachable(self) -> None:
        """Wait until the Service leads to a router: kube-proxy comes after Ready pods."""
        url = await self.url()

        async def reachable() -> bool:
            async with http_client(base_url=url, timeout=5) as client:
                with contextlib.suppress(httpx.TransportError):
                    return (await client.get("/vhealth")).status_code == 200
            return False

        await self.until(reachable, f"a router behind {url}")

    async def restart_routers(self) -> None:
        """A rolling restart, until it is over and the old pods are gone."""
        before = {pod["metadata"]["name"] for pod in await self.pods()}
        await self.kubectl("rollout", "restart", f"deployment/{ROUTER_NAME}")
        await self.until_ready()

        async def gone() -> bool:
            names = (await self.kubectl("get", "pods", "-l", ROUTERS, "-o", "name")).split()
            return not before & {name.removeprefix("pod/") for name in names}

        await self.until(gone, "the old pods are gone")

    async def scale_operator(self, replicas: int) -> None:
        """Until there are so many pods of it."""
        await self.kubectl("scale", f"deployment/{OPERATOR_NAME}", f"--replicas={replicas}")

        async def scaled() -> bool:
            pods = (await self.get("pods", "-l", OPERATOR))["items"]
            return len(pods) == replicas

        await self.until(scaled, f"{replicas} operators")
        await self.kubectl("rollout", "status", f"deployment/{OPERATOR_NAME}", "--timeout=120s")

    async def until_unready_pods(self, count: int) -> None:
        """Wait until so many routers are alive and not ready."""

        async def unready() -> bool:
            return sum(not is_ready(pod) and is_running(pod) for pod in await self.pods()) == count

        await self.until(unready, f"{count} routers that are not ready")

    async def until_mounted_breaks(self) -> None:
        """Wait until kubelet has brought a broken snapshot to every router, which says so."""

        async def broken() -> bool:
            logs = await self.kubectl("logs", "-l", ROUTERS, "--tail=-1", "--prefix")
            lines = [line for line in logs.splitlines() if "snapshot.json.gz" in line]
            pods = {line.split("]")[0] for line in lines if "the last good one is kept" in line}
            return len(pods) == len(await self.pods())

        await self.until(broken, "every router has seen the broken snapshot", 200)

    async def freeze(self, pod: Object) -> None:
        """SIGSTOP its router, from outside: nothing can stop itself for good."""
        await asyncio.to_thread(self.node.freeze, pod["metadata"]["uid"])

    async def url(self, service: str = RELEASE + "-auto-ai-router") -> str:
        """Where the host reaches a Service, by its NodePort."""
        (port, *_) = (await self.get("service", service))["spec"]["ports"]
        return f"http://{self.node.address}:{port['nodePort']}"


async def models(url: str, key: str = MASTER_KEY) -> list[str] | int:
    """The names that a router lists, or the status that says why it does not."""
    async with http_client(base_url=url, headers={"authorization": f"Bearer {key}"}) as client:
        answer = await client.get("/v1/models")
    if answer.status_code != 200:
        return answer.status_code
    return [model["id"] for model in answer.json()["data"]]


class Load:
    """Chats over new and kept connections, one after the other in each of a few tasks."""

    def __init__(self, url: str, model: str) -> None:
        self.statuses: list[int | str] = []
        self._url = url
        self._body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
        self._stop = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self, tasks: int = 4) -> AsyncIterator[None]:
        """While this lasts, requests are sent."""
        running = [asyncio.create_task(self._send()) for _ in range(tasks)]
        try:
            yield
        finally:
            self._stop.set()
            await asyncio.gather(*running)

    @property
    def failures(self) -> list[int | str]:
        return [status for status in self.statuses if status != 200]

    async def _send(self) -> None:
        while not self._stop.is_set():
            async with http_client(base_url=self._url, headers=HEADERS) as client:
                for _ in range(20):
                    self.statuses.append(await self._ask(client))
                    await asyncio.sleep(0.01)

    async def _ask(self, client: httpx.AsyncClient) -> int | str:
        try:
            return (await client.post("/v1/chat/completions", json=self._body)).status_code
        except httpx.HTTPError as error:
            return type(error).__name__


async def long_stream(url: str, model: str) -> list[str]:
    """The data lines of one long answer."""
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    async with (
        http_client(base_url=url, headers=HEADERS, timeout=120) as client,
        client.stream("POST", "/v1/chat/completions", json=body) as response,
    ):
        return [line async for line in response.aiter_lines() if line]


def is_ready(pod: Object) -> bool:
    """Whether it is in its Service."""
    conditions = pod["status"].get("conditions", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def is_running(pod: Object) -> bool:
    """Whether its container runs."""
    return all("running" in c["state"] for c in pod["status"].get("containerStatuses", ()))
