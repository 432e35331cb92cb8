"""Streams: an upstream that sends an event at a pace, and clients that count what arrives.

Run as a program on the load core: `python -m benchmarks.streams serve PORT PAUSE` and
`python -m benchmarks.streams load PORT STREAMS WARM-UP SECONDS`, which prints a line when the
warm-up is over and one with the number of events when it is done.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import NamedTuple, cast

import uvloop

from benchmarks import speeches
from benchmarks.processes import LOAD_CORE, ROOT, Running, python
from benchmarks.router import KEY

EVENT = (
    b'data: {"id":"chatcmpl-BenchmarkBenchmark","object":"chat.completion.chunk",'
    b'"created":1767225600,"model":"gpt-4o-2024-11-20","system_fingerprint":"fp_benchmark",'
    b'"choices":[{"index":0,"delta":{"content":" hello"},"logprobs":null,"finish_reason":null}],'
    b'"usage":null}\n\n'
)
CHUNK = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
BODY = b'{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hello!"}]}'
REQUEST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
    b"authorization: Bearer %b\r\ncontent-length: %d\r\n\r\n%b" % (KEY.encode(), len(BODY), BODY)
)
LONGEST = 600.0


class Sender(asyncio.Protocol):
    """Answers every request with events for ever."""

    pause = 0.02
    opening = HEAD
    chunk = CHUNK

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        if self.timer is None:
            self.transport.write(self.opening)
            self.send()

    def send(self) -> None:
        self.transport.write(self.chunk)
        self.timer = asyncio.get_running_loop().call_later(self.pause, self.send)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.timer is not None:
            self.timer.cancel()


class Counter(asyncio.Protocol):
    """Asks for one stream and counts its events."""

    events = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(REQUEST)

    def data_received(self, data: bytes) -> None:
        Counter.events += data.count(b"data: ")


class Streamed(NamedTuple):
    """The work of a server while streams were open."""

    events: int
    cpu: float
    """Seconds."""
    memory: int
    """Resident bytes while they were open."""


def stream(server: Running, streams: int, warm_up: float, seconds: float) -> Streamed:
    """Open streams through a server, wait, measure. Raises `RuntimeError` if events are missing."""
    command = python("benchmarks.streams", "load", server.port, streams, warm_up, seconds)
    with subprocess.Popen(
        ["taskset", "-c", str(LOAD_CORE), *command], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as loader:
        assert loader.stdout is not None
        loader.stdout.readline()
        before = server.cpu()
        events = int(loader.stdout.readline() or 0)
        used = server.cpu() - before
        memory = server.memory()
    if events == 0:
        raise RuntimeError("no event arrived")
    return Streamed(events, used, memory)


async def serve(port: int, pause: float, speech: str = "openai") -> None:
    """Listen until the time is over."""
    Sender.pause = pause
    if speech != "openai":
        Sender.opening, Sender.chunk = speeches.stream_of(speech)
    await asyncio.get_running_loop().create_server(Sender, "127.0.0.1", port, backlog=4096)
    await asyncio.sleep(LONGEST)


async def count(port: int, streams: int, warm_up: float, seconds: float) -> None:
    """Open the streams one after the other, so that their events spread, and count."""
    loop = asyncio.get_running_loop()
    for _ in range(streams):
        await loop.create_connection(Counter, "127.0.0.1", port)
        await asyncio.sleep(0.0005)
    await asyncio.sleep(warm_up)
    print("open", flush=True)
    before = Counter.events
    await asyncio.sleep(seconds)
    print(Counter.events - before, flush=True)
    await asyncio.sleep(0.2)  # still open while the server's memory is read


if __name__ == "__main__":
    numbers = [float(argument) for argument in sys.argv[3:] if argument[0].isdigit()]
    if sys.argv[1] == "serve":
        uvloop.run(serve(int(sys.argv[2]), numbers[0], *sys.argv[4:]))
    else:
        uvloop.run(count(int(sys.argv[2]), int(numbers[0]), numbers[1], numbers[2]))
