"""A real operator process on a real API server, and what a person would do and see with kubectl."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import yaml

from airouter.config.delivery import SNAPSHOT_FILE, STREAM_FILE
from airouter.config.resource import KIND
from airouter_operator.kube.client import KubeClient, open_kube_client
from airouter_operator.kube.errors import NotFound
from airouter_operator.kube.paths import configs_in, events_in, router_keys_in, secrets_in
from support.http_client import http_client
from support.kubernetes.apiserver import ApiServer
from support.kubernetes.faults import FaultyProxy
from support.ports import free_port
from support.router import RouterProcess, router_process

INSTALL = Path(__file__).parents[2] / "manifests" / "install"
ACCOUNT = "auto-ai-router-operator"
POLLING = re.compile(rb"pods poll port (\d+)")
HEALTH = re.compile(rb"health and metrics are on port (\d+)")
STARTING = 180.0
PATIENCE = 120.0
OPERATOR_PAGES = ("/healthz", "/metrics")
ROUTER_PAGES = ("/health", "/vhealth", "/metrics")
SHORTEST_SECRET = 6
TAIL = 4000


class OperatorProcess:
    """What a test sees of an operator."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self.stream_port = 0
        self.health_port = 0
        self._log = log
        self._told_to_end = False

    @property
    def log(self) -> str:
        return self._log.read_text()

    def memory(self) -> int:
        """Resident bytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def peak_memory(self) -> int:
        """The most resident bytes there ever were."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024

    async def stop(self) -> tuple[int, float]:
        """SIGTERM it; its exit code, and the seconds that it took."""
        start = time.monotonic()
        self._told_to_end = True
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            code = await self.process.wait()
        return code, time.monotonic() - start

    async def kill(self) -> None:
        """SIGKILL it."""
        self._told_to_end = True
        self.process.kill()
        await self.process.wait()

    async def ends(self) -> int:
        """Wait until it ends by itself, as it should; its exit code."""
        self._told_to_end = True
        async with asyncio.timeout(STARTING):
            return await self.process.wait()

    def assert_not_ended(self) -> None:
        """It runs, or was told to end."""
        if self.process.returncode is not None and not self._told_to_end:
            raise AssertionError(f"the operator ended: {self.tail()}")

    def tail(self) -> str:
        """The end of its log."""
        return self.log[-TAIL:]

    async def page(self, path: str) -> httpx.Response:
        """A page of its health port."""
        async with http_client() as client:
            return await client.get(f"http://127.0.0.1:{self.health_port}{path}")

    async def metric(self, name: str) -> float:
        """The sum of all series of a metric."""
        lines = [
            line
            for line in (await self.page("/metrics")).text.splitlines()
            if re.match(rf"airouter_operator_{name}[{{ ]", line)
        ]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    async def until_metric(self, name: str, value: float) -> None:
        """Wait until all series of a metric are `value` together."""
        try:
            async with asyncio.timeout(PATIENCE):
                while (now := await self.metric(name)) != value:
                    self.assert_not_ended()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{name} is {now}, not {value}: {self.tail()}") from None

    async def until_listening(self) -> None:
        async with asyncio.timeout(STARTING):
            while (health := HEALTH.search(self._log.read_bytes())) is None:
                self.assert_not_ended()
                await asyncio.sleep(0.02)
        polling = POLLING.search(self._log.read_bytes())
        assert polling is not None
        self.stream_port, self.health_port = int(polling[1]), int(health[1])

    async def until_logged(self, what: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while what not in self.log:
                self.assert_not_ended()
                await asyncio.sleep(0.05)


class ControlPlane:
    """One namespace with a ServiceAccount that has what `manifests/install/` grants."""

    def __init__(self, api: ApiServer, client: KubeClient, namespace: str, folder: Path) -> None:
        self.api = api
        self.client = client
        self.namespace = namespace
        self.folder = folder
        self.stream_port = free_port()
        """Always the same, as behind a Service: routers find an operator that comes back."""
        self.secrets: set[str] = set()
        """Every value of a Secret that was applied."""
        self.shown: list[str] = []
        """What processes told on their pages, before they ended."""
        self._mounts = 0

    def in_namespace(self, namespace: str) -> ControlPlane:
        """The same in another namespace, for an operator that serves the whole cluster."""
        other = ControlPlane(self.api, self.client, namespace, self.folder)
        other.secrets, other.shown = self.secrets, self.shown
        return other

    async def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """As somebody with all rights."""
        arguments = ("-n", self.namespace, *arguments)
        return await asyncio.to_thread(self.api.kubectl, *arguments, input=stdin)

    async def apply(self, *documents: dict[str, Any]) -> None:
        """Apply manifests."""
        for document in documents:
            self.secrets.update(document.get("stringData", {}).values())
        text = yaml.safe_dump_all(documents)
        await self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)

    async def patch(self, patch: str, resource: str = "rcfg/default") -> None:
        """A merge patch, as JSON."""
        await self.kubectl("patch", resource, "--type=merge", "-p", patch)

    async def config(self, name: str = "default") -> dict[str, Any]:
        """A RouterConfig."""
        return await self.client.get(f"{configs_in(self.namespace)}/{name}")

    async def status(self, name: str = "default") -> dict[str, Any]:
        """The status of a RouterConfig."""
        found: dict[str, Any] = (await self.config(name)).get("status") or {}
        return found

    async def secret(self, name: str) -> dict[str, Any]:
        """A Secret."""
        return await self.client.get(f"{secrets_in(self.namespace)}/{name}")

    async def until_secret_is_gone(self, name: str) -> None:
        """Wait for the garbage collector, which takes what a RouterConfig that is gone had."""
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(NotFound):
                while True:
                    await self.secret(name)
                    await asyncio.sleep(0.1)

    async def events(self, kind: str = KIND) -> list[dict[str, Any]]:
        """All Events about a kind; the API server has some of its own, about Services."""
        found = self.client.each(events_in(self.namespace))
        return [event async for event in found if event["regarding"]["kind"] == kind]

    async def until_told(self, severity: str, reason: str) -> None:
        """Wait for an Event about a RouterConfig."""
        async with asyncio.timeout(PATIENCE):
            while (severity, reason) not in [(e["type"], e["reason"]) for e in await self.events()]:
                await asyncio.sleep(0.05)

    async def until(
        self,
        wanted: Callable[[dict[str, Any]], bool],
        name: str = "default",
        seconds: float = PATIENCE,
    ) -> dict[str, Any]:
        """Wait until the status is as it is wanted, and return it."""
        status: dict[str, Any] = {}
        try:
            async with asyncio.timeout(seconds):
                while True:
                    with contextlib.suppress(NotFound):
                        status = await self.status(name)
                        if status and wanted(status):
                            return status
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"the status never came to be as it is wanted: {status}") from None

    async def until_condition(
        self, type_: str, status: str, reason: str = "", name: str = "default"
    ) -> dict[str, Any]:
        """Wait for a condition of the current generation, and return it."""
        generation = (await self.config(name))["metadata"]["generation"]
        found = await self.until(
            lambda s: (
                (c := condition(s, type_)) is not None
                and c["status"] == status
                and c["observedGeneration"] >= generation
                and reason in {"", c["reason"]}
            ),
            name,
        )
        return condition(found, type_) or {}

    async def mount(self, name: str = "default") -> Path:
        """The files of the snapshot Secret in a folder, as kubelet would put them there."""
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(NotFound):
                    data = (await self.secret(f"{name}-snapshot"))["data"]
                    break
                await asyncio.sleep(0.02)
        self._mounts += 1
        folder = self.folder / f"mount-{name}-{self._mounts}"
        folder.mkdir()
        for file in (SNAPSHOT_FILE, STREAM_FILE):
            (folder / file).write_bytes(base64.b64decode(data[file]))
        return folder

    @contextlib.asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        """While this lasts, there is no API server."""
        await asyncio.to_thread(self.api.stop_server)
        try:
            yield
        finally:
            await asyncio.to_thread(self.api.start_server)

    @contextlib.asynccontextmanager
    async def other_token_key(self) -> AsyncIterator[None]:
        """While this lasts, the API server answers 401 to ServiceAccounts."""
        await asyncio.to_thread(self.api.change_token_key)
        try:
            yield
        finally:
            await asyncio.to_thread(self.api.change_token_key)

    @property
    def stream_url(self) -> str:
        """Where pods poll."""
        return f"https://127.0.0.1:{self.stream_port}"

    def path(self, what: str) -> str:
        """Where a kind of object, or one of them, is in this namespace."""
        parent = configs_in if what.startswith("routerconfigs") else secrets_in
        _, _, name = what.partition("/")
        return parent(self.namespace) + (f"/{name}" if name else "")

    async def install(self) -> None:
        """What people apply before they start an operator."""
        await self.kubectl("apply", "-k", str(INSTALL))

    async def kubeconfig(self, proxy: FaultyProxy | None = None) -> str:
        """For the operator's ServiceAccount, past a proxy if there is one."""
        found = await asyncio.to_thread(self.api.kubeconfig_for, self.namespace, ACCOUNT)
        return str(proxy.kubeconfig(found) if proxy else found)

    @contextlib.asynccontextmanager
    async def operator(self, **environment: str) -> AsyncIterator[OperatorProcess]:
        """An operator that listens."""
        async with self.operator_process(**environment) as operator:
            await operator.until_listening()
            yield operator
            if operator.process.returncode is None:
                self.shown += [(await operator.page(path)).text for path in OPERATOR_PAGES]

    @contextlib.asynccontextmanager
    async def operator_process(self, **environment: str) -> AsyncIterator[OperatorProcess]:
        """An operator under its own ServiceAccount; it is killed at the end if it still runs."""
        log = self.folder / f"operator-{time.monotonic_ns()}.log"
        settings = {
            "KUBECONFIG": environment.get("KUBECONFIG") or await self.kubeconfig(),
            "NAMESPACE": self.namespace,
            "STREAM_HOST": "127.0.0.1",
            "STREAM_PORT": str(self.stream_port),
            "STREAM_URL": self.stream_url,
            "HEALTH_HOST": "127.0.0.1",
            "HEALTH_PORT": "0",
            "POD_GRACE": "1",
            "LEASE_DURATION": "3",
            "SECRET_GRACE": "0",
            **environment,
        }
        prefixed = {f"AIROUTER_OPERATOR_{name}": value for name, value in settings.items()}
        with log.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "airouter_operator"),
                stdout=file,
                stderr=file,
                env={**os.environ, **prefixed},
            )
        operator = OperatorProcess(process, log)
        try:
            yield operator
            operator.assert_not_ended()
        except BaseException as error:
            error.add_note(f"The operator's log ends with: {operator.tail()}")
            raise
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    @contextlib.asynccontextmanager
    async def router(
        self, pod: str = "pod-0", name: str = "default", mount: Path | None = None
    ) -> AsyncIterator[RouterProcess]:
        """A router that serves what is mounted, and follows the stream."""
        folder = mount or await self.mount(name)
        arguments = ("--snapshot-dir", str(folder))
        async with router_process(self.folder, *arguments, AIROUTER_POD_NAME=pod) as router:
            yield router
            if router.process.returncode is None:
                self.shown += [await router.page(path) for path in ROUTER_PAGES]

    async def told(self) -> str:
        """All that the processes and the API server have told anybody, Secrets left out."""
        files = [
            path.read_text()
            for pattern in ("*.log", "*.err", "*.out")
            for path in self.folder.glob(pattern)
        ]
        objects = [
            body
            for path in (configs_in(None), router_keys_in(None), events_in(None))
            async for body in self.client.each(path)
        ]
        return "\n".join([*files, *map(json.dumps, objects), *self.shown])

    async def assert_no_secret_was_told(self) -> None:
        """No value of a Secret, nor its SHA-256 or base64, stands anywhere but in a Secret."""
        told = await self.told()
        for value in self.secrets:
            if len(value) >= SHORTEST_SECRET:
                assert value not in told
                assert hashlib.sha256(value.encode()).hexdigest()[:16] not in told
                assert base64.b64encode(value.encode()).decode() not in told


@contextlib.asynccontextmanager
async def control_plane(
    api: ApiServer, namespace: str, folder: Path
) -> AsyncIterator[ControlPlane]:
    """A namespace that is ready for an operator."""
    hasty = await open_kube_client(api.admin_kubeconfig)
    client = hasty.with_timeout(PATIENCE)
    plane = ControlPlane(api, client, namespace, folder)
    try:
        await plane.install()
        yield plane
        await plane.assert_no_secret_was_told()
    finally:
        await client.close()
        await hasty.close()


def condition(status: dict[str, Any], type_: str) -> dict[str, Any] | None:
    """A condition of a status."""
    return next((c for c in status.get("conditions", ()) if c["type"] == type_), None)
