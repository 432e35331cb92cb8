"""`python -m benchmarks.page`, which is what `make bench-page` runs."""

from __future__ import annotations

import argparse
import asyncio
import time
import timeit
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from airouter.telemetry.history import TrafficHistory
from support.config import MASTER_KEY, manifest
from support.http_client import http_client
from support.in_loop import Served, served
from support.records import a_paid_record

BATCH = 64
SIZES = {"6 credentials, 12 models": (6, 12), "200 credentials, 500 models": (200, 500)}


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("--viewers", type=int, default=20, help="people who look (default: 20)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a reading (default: 10)")
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
async def viewers(router: Served, count: int) -> AsyncIterator[None]:
    """Have people look at the page, all signed in: raw sockets, which cost little to read."""
    async with http_client(base_url=router.client.base_url) as client:
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


async def traffic(router: Served, rate: float, models: int) -> None:
    """Ask at a steady rate, for one model after the other."""
    number = 0
    while True:
        await asyncio.sleep(1 / rate)
        number += 1
        await router.chat(model=f"model-{number % models}")


async def busy(seconds: float) -> float:
    """Return the share of a core that this process takes, its clients here among it."""
    cpu, began = time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    return (time.process_time() - cpu) / (time.monotonic() - began)


async def size_cost(asked: argparse.Namespace, credentials: int, models: int) -> None:
    """Print what viewers take, with and without traffic."""
    async with served(a_manifest(credentials, models)) as router:
        for label, rate in (("idle", 0.0), (f"{asked.rate:g} requests / s", asked.rate)):
            asking = asyncio.create_task(traffic(router, rate, models)) if rate else None
            await asyncio.sleep(6)  # a step of the curves is over
            alone = await busy(asked.seconds)
            async with viewers(router, asked.viewers):
                await asyncio.sleep(2)
                looked_at = await busy(asked.seconds)
            print(
                f"  {label}: {100 * alone:.2f} % of a core, "
                f"{100 * (looked_at - alone):+.2f} for {asked.viewers} viewers"
            )
            if asking is not None:
                asking.cancel()
                await asyncio.wait({asking})
        began = time.process_time()
        page = await router.client.get("/vhealth")
        assert isinstance(page, httpx.Response)
        print(f"  a page: {1000 * (time.process_time() - began):.1f} ms")


async def measure(asked: argparse.Namespace) -> None:
    """Take all readings."""
    print(f"a request: {record_cost():.0f} ns")
    for label, (credentials, models) in SIZES.items():
        print(label)
        await size_cost(asked, credentials, models)


if __name__ == "__main__":
    asyncio.run(measure(arguments()))
