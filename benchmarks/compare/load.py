"""Clients that ask one request after the other.

`python -m benchmarks.compare.load PORT CONNECTIONS SECONDS` prints the number of answers, and the
median and the 95th percentile of the time until an answer is whole, in microseconds.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import NamedTuple, cast

import httptools
import uvloop

from benchmarks.latency import REQUEST
from benchmarks.processes import figures_of, python


class Asked(NamedTuple):
    """The answers of some seconds."""

    answers: int
    p50: float
    """Seconds."""
    p95: float


class Client(asyncio.Protocol):
    """A connection that asks as soon as it is answered."""

    def __init__(self, times: list[float], ends: float) -> None:
        self._times = times
        self._ends = ends
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Take note of an answer. Raises `RuntimeError` for one that is no success."""
        if self._parser.get_status_code() != 200:
            raise RuntimeError(f"status {self._parser.get_status_code()}")
        now = time.perf_counter()
        if now >= self._ends:
            self._transport.close()
            return
        self._times.append(now - self._asked)
        # llhttp ends a message after this, so what is asked here is answered to a new one.
        self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(REQUEST)


def asked(port: int, connections: int, seconds: float) -> Asked:
    """Ask a server from a process of its own."""
    command = python("benchmarks.compare.load", port, connections, seconds)
    count, p50, p95 = figures_of(command, seconds)
    return Asked(int(count), p50 / 1e6, p95 / 1e6)


async def ask(port: int, connections: int, seconds: float) -> list[float]:
    """Return the seconds until each answer, in order."""
    times: list[float] = []
    loop = asyncio.get_running_loop()
    ends = time.perf_counter() + seconds
    for _ in range(connections):
        await loop.create_connection(lambda: Client(times, ends), "127.0.0.1", port)
    await asyncio.sleep(seconds + 1.0)
    return sorted(times)


if __name__ == "__main__":
    measured = uvloop.run(ask(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
    print(len(measured), *(measured[int(share * len(measured))] * 1e6 for share in (0.5, 0.95)))
