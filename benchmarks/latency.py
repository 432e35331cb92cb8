"""Latency at a constant rate, from when a request was due, so that a stall is not left out.

`python -m benchmarks.latency PORT RATE SECONDS` prints the median and the 99th percentile in
microseconds. (Why "from when it was due": G. Tene, "How not to measure latency".)
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from typing import NamedTuple, cast

import uvloop

from benchmarks.processes import figures_of, python
from benchmarks.router import KEY
from benchmarks.wrk import CHAT

CONNECTIONS = 64
REQUEST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
    b"authorization: Bearer %b\r\ncontent-length: %d\r\n\r\n%b"
    % (KEY.encode(), len(CHAT), CHAT.encode())
)


class Latency(NamedTuple):
    """Seconds."""

    p50: float
    p99: float


class Asker(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, idle: deque[Asker], latencies: list[float]) -> None:
        self._idle = idle
        self._latencies = latencies
        self._due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._idle.append(self)

    def ask(self, due: float) -> None:
        self._due = due
        self._transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        """An answer is small, so it comes in one piece."""
        self._latencies.append(time.perf_counter() - self._due)
        self._idle.append(self)


def latency(port: int, rate: float, seconds: float) -> Latency:
    """Measure a server from a process of its own."""
    p50, p99 = figures_of(python("benchmarks.latency", port, rate, seconds), seconds)
    return Latency(p50 / 1e6, p99 / 1e6)


async def ask(port: int, rate: float, seconds: float) -> list[float]:
    """The latencies of all requests, the first second left out."""
    idle: deque[Asker] = deque()
    latencies: list[float] = []
    loop = asyncio.get_running_loop()
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: Asker(idle, latencies), "127.0.0.1", port)
    start = time.perf_counter()
    sent = 0
    while (now := time.perf_counter()) - start < seconds:
        while idle and start + sent / rate <= now:
            idle.popleft().ask(start + sent / rate)
            sent += 1
        await asyncio.sleep(0)
    return latencies[int(rate) :]


if __name__ == "__main__":
    measured = sorted(uvloop.run(ask(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))))
    for share in (0.5, 0.99):
        print(measured[int(share * len(measured))] * 1e6)
