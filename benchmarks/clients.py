"""Our upstream client beside two libraries, behind the same interface, with and without TLS.

`python -m benchmarks.clients NAME URL CA-FILE REQUESTS` runs one of them alone in a process on the
server's core and prints requests per second and CPU microseconds per request.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import aiohttp
import uvloop
from pyreqwest.client import ClientBuilder

from airouter.config.snapshot import Timeouts
from airouter.eventloop.outbox import Outbox
from airouter.eventloop.turns import Turns
from airouter.upstream.origin import Origin
from airouter.upstream.pool import Pool
from benchmarks.processes import ROOT, SERVER_CORE, python
from benchmarks.wrk import CHAT

TASKS = 32
PATH = "/v1/chat/completions"
HEADERS = {"content-type": "application/json", "authorization": "Bearer sk-upstream"}
HEAD = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items()).encode()

Ask = Callable[[], Awaitable[bytes]]


class Speed(NamedTuple):
    """The work of a client."""

    requests_per_second: float
    cpu_per_request: float
    """Seconds."""


@contextlib.asynccontextmanager
async def ours(url: str, ca_pem: str) -> AsyncIterator[Ask]:
    """`airouter.upstream`."""
    context = ssl.create_default_context(cadata=ca_pem) if url.startswith("https") else None
    loop = asyncio.get_running_loop()
    pool = Pool(
        Origin.of(url),
        Timeouts(),
        Outbox(loop),
        Turns(loop),
        max_connections=TASKS,
        body_limit=1 << 20,
        context=context,
    )

    async def ask() -> bytes:
        reply = await pool.send(PATH.encode(), HEAD, CHAT.encode())
        return await reply.read()

    yield ask
    pool.close()


@contextlib.asynccontextmanager
async def by_aiohttp(url: str, ca_pem: str) -> AsyncIterator[Ask]:
    """Aiohttp."""
    connector = aiohttp.TCPConnector(limit=TASKS, ssl=ssl.create_default_context(cadata=ca_pem))
    async with aiohttp.ClientSession(connector=connector, headers=HEADERS) as session:

        async def ask() -> bytes:
            async with session.post(url + PATH, data=CHAT.encode()) as answer:
                return await answer.read()

        yield ask


@contextlib.asynccontextmanager
async def by_pyreqwest(url: str, ca_pem: str) -> AsyncIterator[Ask]:
    """pyreqwest, a binding of Rust's reqwest."""
    builder = ClientBuilder().default_headers(HEADERS)
    async with builder.add_root_certificate_pem(ca_pem.encode()).build() as client:

        async def ask() -> bytes:
            answer = await client.post(url + PATH).body_bytes(CHAT.encode()).build().send()
            return bytes(await answer.bytes())

        yield ask


CLIENTS = {"ours": ours, "aiohttp": by_aiohttp, "pyreqwest": by_pyreqwest}


def compare(name: str, url: str, ca: Path, requests: int) -> Speed:
    """Measure one client in a process of its own."""
    output = subprocess.run(
        ["taskset", "-c", str(SERVER_CORE), *python("benchmarks.clients", name, url, ca, requests)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        cwd=ROOT,
    ).stdout
    rate, cpu = map(float, output.split())
    return Speed(rate, cpu / 1e6)


async def measure(name: str, url: str, ca: Path, requests: int) -> Speed:
    """So many requests by 32 tasks, after a tenth as many to warm up."""
    async with CLIENTS[name](url, ca.read_text()) as ask:

        async def several(count: int) -> None:
            for _ in range(count):
                if len(await ask()) < 100:
                    raise RuntimeError("the answer is too short")

        async def all_of(count: int) -> None:
            await asyncio.gather(*(several(count // TASKS) for _ in range(TASKS)))

        await all_of(requests // 10)
        start, before = time.perf_counter(), time.process_time()
        await all_of(requests)
        used, taken = time.process_time() - before, time.perf_counter() - start
    return Speed(requests / taken, used / requests)


if __name__ == "__main__":
    speed = uvloop.run(measure(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])))
    print(speed.requests_per_second, speed.cpu_per_request * 1e6)
