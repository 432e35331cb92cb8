"""`python -m benchmarks.page`, which is what `make bench-page` runs.

Shares of a core are CPU time of the router's process: they hold on a busy machine, too.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
import timeit
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import fmean
from typing import Any

import httpx

from airouter.telemetry.history import TrafficHistory
from support.config import MASTER_KEY, manifest
from support.http_client import http_client
from support.records import a_paid_record
from support.router import RouterProcess, router_process

BATCH = 64
SIZES = {"6 credentials, 12 models": (6, 12), "200 credentials, 500 models": (200, 500)}


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("--viewers", type=int, default=20, help="people who look (default: 20)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a reading (default: 10)")
    parser.add_argument("--readings", type=int, default=3, help="with viewers (default: 3)")
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second (default: 20)")
    return parser.parse_args()


def record_cost() -> float:
    """Return the nanoseconds of CPU that a request's record takes."""
    history, batch = TrafficHistory(lambda: 0), [a_paid_record() for _ in range(BATCH)]
    rounds = 500
    readings = timeit.repeat(
        lambda: history.consume(batch), number=rounds, repeat=25, timer=time.process_time
    )
    return min(readings) / rounds / BATCH * 1e9


def a_manifest(credentials: int, models: int) -> str:
    """Return a configuration of this size, in which every credential has limits."""
    names = [f"credential-{number}" for number in range(credentials)]
    declared: list[dict[str, Any]] = [
        {"name": name, "type": "Mock", "limits": {"rpm": 100_000}} for name in names
    ]
    chosen: list[dict[str, Any]] = [
        {
            "name": f"model-{number}",
            "backends": [
                {"credential": names[number % credentials]},
                {"credential": names[(number + 1) % credentials], "priority": 2},
            ],
        }
        for number in range(models)
    ]
    return manifest(declared, chosen)


@asynccontextmanager
async def viewers(router: RouterProcess, count: int) -> AsyncIterator[None]:
    """Have people look at the page, all signed in."""
    async with http_client(base_url=router.url) as client:
        await client.post("/vhealth/sign-in", data={"key": MASTER_KEY})
        cookie = f"airouter_page={client.cookies['airouter_page']}"
    head = f"GET /vhealth/events HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n".encode()
    writers: list[asyncio.StreamWriter] = []
    reading: list[asyncio.Task[None]] = []
    for _ in range(count):
        reader, writer = await asyncio.open_connection("127.0.0.1", router.port)
        writer.write(head)
        writers.append(writer)
        reading.append(asyncio.create_task(discard(reader)))
    yield
    for task in reading:
        task.cancel()
    for writer in writers:
        writer.close()


async def discard(reader: asyncio.StreamReader) -> None:
    """Read to the end."""
    while await reader.read(1 << 20):
        pass


async def traffic(client: httpx.AsyncClient, rate: float, models: int) -> None:
    """Ask at a steady rate, for one model after the other."""
    number = 0
    while True:
        await asyncio.sleep(1 / rate)
        number += 1
        message = {"role": "user", "content": "Hello!"}
        body = {"model": f"model-{number % models}", "messages": [message]}
        await client.post("/v1/chat/completions", json=body)


def cpu_seconds(router: RouterProcess) -> float:
    """Return the seconds of CPU that a router has taken."""
    # The clock of another process, as clock_getcpuclockid(3) makes it of a pid.
    return time.clock_gettime(~router.process.pid << 3 | 2)


async def busy(router: RouterProcess, seconds: float) -> float:
    """Return the share of a core that a router takes."""
    cpu, began = cpu_seconds(router), time.monotonic()
    await asyncio.sleep(seconds)
    return (cpu_seconds(router) - cpu) / (time.monotonic() - began)


@asynccontextmanager
async def serving(text: str) -> AsyncIterator[tuple[RouterProcess, httpx.AsyncClient]]:
    """Serve a manifest by a process of its own, and yield a client with the master key."""
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "router.yaml")
        path.write_text(text)
        async with (
            router_process(Path(name), "-f", str(path)) as router,
            http_client(base_url=router.url, headers=headers, trust_env=False) as client,
        ):
            yield router, client


async def size_cost(asked: argparse.Namespace, credentials: int, models: int) -> None:
    """Print what viewers take, with and without traffic."""
    async with serving(a_manifest(credentials, models)) as (router, client):
        for label, rate in (("idle", 0.0), (f"{asked.rate:g} requests / s", asked.rate)):
            asking = asyncio.create_task(traffic(client, rate, models)) if rate else None
            await asyncio.sleep(6)  # a step of the curves is over
            alone, taken = [], []
            for _ in range(asked.readings):  # in turn, as a busy machine makes all work dearer
                alone.append(await busy(router, asked.seconds))
                async with viewers(router, asked.viewers):
                    await asyncio.sleep(2)
                    taken.append(await busy(router, asked.seconds) - alone[-1])
            print(
                f"  {label}: {100 * fmean(alone):.2f} % of a core, {100 * fmean(taken):+.2f} "
                f"for {asked.viewers} viewers, {100 * max(taken):+.2f} at most"
            )
            if asking is not None:
                asking.cancel()
                await asyncio.wait({asking})
        began = cpu_seconds(router)
        await client.get("/vhealth")
        print(f"  a page: {1000 * (cpu_seconds(router) - began):.1f} ms")


async def measure(asked: argparse.Namespace) -> None:
    """Take all readings."""
    print(f"a request: {record_cost():.0f} ns")
    for label, (credentials, models) in SIZES.items():
        print(label)
        await size_cost(asked, credentials, models)


if __name__ == "__main__":
    asyncio.run(measure(arguments()))
