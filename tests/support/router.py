"""A real router process on a port of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from support.http_client import PATIENCE, http_client

LISTENING = re.compile(rb"listening on http://(?:\[[^]]+\]|[^:]+):(\d+)")
STARTING = 180.0
"""Seconds: a router takes seconds of a processor to start, of which a loaded machine has few."""


class RouterProcess:
    """What a test sees of a router: its address, its log, its exit."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self.port = 0
        self._log = log

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """As SDKs want it."""
        return f"{self.url}/v1"

    @property
    def log(self) -> str:
        """What it wrote to standard error so far."""
        return self._log.read_text()

    @property
    def access_log(self) -> list[dict[str, Any]]:
        """The lines of its standard output, but for one that it is writing."""
        text = self._log.with_suffix(".out").read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def memory(self) -> int:
        """Resident bytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def wait(self, seconds: float = PATIENCE) -> int:
        """Its exit code."""
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    async def health(self) -> dict[str, Any]:
        """`/health`."""
        async with http_client() as client:
            found: dict[str, Any] = (await client.get(f"{self.url}/health")).json()
            return found

    async def page(self, path: str) -> str:
        """What it shows there to whoever asks."""
        async with http_client() as client:
            return (await client.get(f"{self.url}{path}")).text

    async def metric(self, name: str) -> float:
        """The sum of all series of a metric."""
        async with http_client() as client:
            text = (await client.get(f"{self.url}/metrics")).text
        lines = [line for line in text.splitlines() if re.match(rf"{name}[{{ ]", line)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    async def until_metric(self, name: str, wanted: Callable[[float], bool]) -> None:
        """Wait until the sum of all series of a metric is as it is wanted."""
        async with asyncio.timeout(PATIENCE):
            while not wanted(await self.metric(name)):
                await asyncio.sleep(0.02)

    async def until_live(self, version_was: str, seconds: float = PATIENCE) -> float:
        """Wait until another configuration is live; returns how long that took."""
        start = time.monotonic()
        async with asyncio.timeout(seconds):
            while (await self.health())["config"]["version"] == version_was:
                await asyncio.sleep(0.02)
        return time.monotonic() - start

    async def until_logged(self, words: str, seconds: float = PATIENCE) -> None:
        """Wait until its log has these words."""
        async with asyncio.timeout(seconds):
            while words not in self.log:
                await asyncio.sleep(0.02)

    async def until_listening(self) -> None:
        async with asyncio.timeout(STARTING):
            while (found := LISTENING.search(self._log.read_bytes())) is None:
                if self.process.returncode is not None:
                    raise AssertionError(f"the router ended: {self.log}")
                await asyncio.sleep(0.02)
        self.port = int(found[1])


def settings_beside(log: Path) -> dict[str, str]:
    """Settings of a router that ends soon, and leaves nothing in the checkout."""
    return {
        "AIROUTER_DRAIN_GRACE": "0.2",
        "AIROUTER_LEDGER_FILE": str(log.with_suffix(".sqlite")),
    }


@contextlib.asynccontextmanager
async def router_process(
    folder: Path, *arguments: str, **environment: str
) -> AsyncIterator[RouterProcess]:
    """A router that listens; it is killed at the end if it still runs."""
    log = folder / f"router-{time.monotonic_ns()}.err"
    with log.open("wb") as err, log.with_suffix(".out").open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "airouter", "serve", "--port", "0", *arguments),
            stdout=out,
            stderr=err,
            env={**os.environ, **settings_beside(log), **environment},
        )
    router = RouterProcess(process, log)
    try:
        await router.until_listening()
        yield router
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@contextlib.asynccontextmanager
async def router_processes(
    folder: Path, text: str, *environments: Mapping[str, str]
) -> AsyncIterator[list[RouterProcess]]:
    """Routers of one configuration, each with an environment of its own."""
    file = folder / "router.yaml"
    file.write_text(text)
    async with contextlib.AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(router_process(folder, "-f", str(file), **each))
            for each in environments
        ]
