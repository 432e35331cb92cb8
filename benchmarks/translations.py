"""Chat completions translated to other dialects, beside the same chats passed through."""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import uvloop

from airouter.dialects import chat, converse, gemini, messages
from airouter.dialects.conversation import Destination
from benchmarks import nginx, router, speeches, streams, wrk
from benchmarks.processes import LOAD_CORE, Running, free_port, python, running
from benchmarks.rows import Row

if TYPE_CHECKING:
    from benchmarks.bench import Bench

UPSTREAMS = {
    "messages": messages.UPSTREAM,
    "gemini": gemini.UPSTREAM,
    "converse": converse.UPSTREAM,
}
MOST_OF_PASSING = 2.5
MOST_PER_EVENT = 60.0
"""Microseconds."""
SIZES = (10_000, 100_000, 1_000_000)
FIRSTS = 300


def whole(bench: Bench) -> Iterator[Row]:
    """(g) CPU for a whole chat, translated."""
    for speech, provider in speeches.PROVIDERS.items():
        bench.tell(f"(g) chat to {speech}, whole")
        answer = json.dumps(speeches.ANSWERS[speech]).replace("'", "")
        with contextlib.ExitStack() as stack:
            enter = stack.enter_context
            plain = enter(nginx.upstream(bench.folder))
            spoken = enter(nginx.upstream(bench.folder, answer=answer))
            passing = enter(router.router(bench.folder, plain.port, backends=1))
            subject = enter(router.router(bench.folder, spoken.port, backends=1, provider=provider))
            costs, ratios = [], []
            for _ in range(bench.rounds):
                base = wrk.load(passing, bench.folder, bench.seconds).cpu_per_request
                cost = wrk.load(subject, bench.folder, bench.seconds).cpu_per_request
                bench.tell(f"  passing {base * 1e6:.1f} us, translated {cost * 1e6:.1f} us")
                costs.append(cost * 1e6)
                ratios.append(cost / base)
        ratio = statistics.median(ratios)
        yield Row(
            f"(g) chat to {speech}, whole",
            f"{statistics.median(costs):.1f} us CPU",
            f"{ratio:.2f} of passing through",
            f"<= {MOST_OF_PASSING}",
            ratio <= MOST_OF_PASSING,
        )


def events(bench: Bench) -> Iterator[Row]:
    """(h) CPU for each event of a stream, translated."""
    for speech, provider in speeches.PROVIDERS.items():
        bench.tell(f"(h) chat to {speech}, an event each 20 ms of 100 streams")
        with contextlib.ExitStack() as stack:
            source = stack.enter_context(event_source(bench, speech))
            subject = stack.enter_context(
                router.router(bench.folder, source.port, backends=1, provider=provider)
            )
            found = [streams.stream(subject, 100, 1, bench.seconds) for _ in range(bench.rounds)]
        cost = statistics.median(each.cpu / each.events * 1e6 for each in found)
        bench.tell(f"  {cost:.1f} us per event")
        what = f"(h) chat to {speech}, an event"
        yield Row(what, f"{cost:.1f} us CPU", "", f"< {MOST_PER_EVENT:g} us", cost < MOST_PER_EVENT)


@contextlib.contextmanager
def event_source(bench: Bench, speech: str) -> Iterator[Running]:
    """An upstream of streams in a dialect."""
    port = free_port()
    command = python("benchmarks.streams", "serve", port, 0.02, speech)
    with running(command, port, core=LOAD_CORE, log=bench.folder / "speech.log") as started:
        yield started


def linear(bench: Bench) -> Iterator[Row]:
    """(i) A request of any length costs the same for each byte of it."""
    for speech, provider in speeches.PROVIDERS.items():
        costs = [cost_of(speech, str(provider["upstreamName"]), size) for size in SIZES]
        shown = ", ".join(f"{cost:.1f}" for cost in costs)
        bench.tell(f"(i) chat to {speech}: {shown} ns per byte of {SIZES}")
        yield Row(
            f"(i) chat to {speech}, request of 10 KB, 100 KB, 1 MB",
            f"{shown} ns per byte",
            f"{costs[-1] / costs[0]:.2f} of the shortest",
            "<= 1.50",
            costs[-1] / costs[0] <= 1.5,
        )


def cost_of(speech: str, model: str, size: int) -> float:
    """Nanoseconds for each byte of a conversation, read and written anew."""
    said = {"role": "user", "content": "word " * 40}
    answered = {"role": "assistant", "content": "word " * 40}
    turns = [said, answered] * (size // 480)
    body = json.dumps({"model": "m", "messages": [*turns, said]}).encode()
    destination = Destination(model=model, maker="m")
    times = []
    for _ in range(7):
        start = time.perf_counter()
        UPSTREAMS[speech].render_request(chat.CLIENT.parse_request(body), destination)
        times.append(time.perf_counter() - start)
    return min(times) / len(body) * 1e9


def first_byte(bench: Bench) -> Iterator[Row]:
    """(j) From the first byte of a provider to the first byte for the client."""
    for speech, provider in speeches.PROVIDERS.items():
        bench.tell(f"(j) first byte of {speech}")
        port = free_port()
        with router.router(bench.folder, port, backends=1, provider=provider) as server:
            waits = sorted(uvloop.run(firsts(port, server.port, speech)))
        p50, p99 = waits[len(waits) // 2] * 1e3, waits[len(waits) * 99 // 100] * 1e3
        yield Row(
            f"(j) first byte of {speech} to first byte for the client, p50 and p99",
            f"{p50:.2f} ms, {p99:.2f} ms",
            "",
            "< 1 ms",
            p50 < 1,
        )


async def firsts(port: int, through: int, speech: str) -> list[float]:
    """Seconds that first bytes took, one request after the other."""
    opening, _ = speeches.stream_of(speech)
    written: list[float] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(0.002)
                written.append(time.perf_counter())
                writer.write(opening)

    waits = []
    async with await asyncio.start_server(answer, "127.0.0.1", port):
        for _ in range(FIRSTS):
            reader, writer = await asyncio.open_connection("127.0.0.1", through)
            writer.write(streams.REQUEST)
            await reader.readuntil(b"\r\n\r\n")
            await reader.read(1)
            waits.append(time.perf_counter() - written[-1])
            writer.close()
    return waits
