"""The Responses API beside chat, sessions beside requests, and what state costs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import uvloop

from benchmarks import nginx, router, speeches, wrk
from benchmarks.processes import Running
from benchmarks.router import KEY
from benchmarks.rows import Row

if TYPE_CHECKING:
    from benchmarks.bench import Bench

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
PASSING = {"type": "OpenAI", "baseURL": "/v1", "upstreamName": "gpt-4o-2024-11-20"}
MOCK = {"type": "Mock", "baseURL": "", "upstreamName": "gpt-4o"}
ANSWER = json.dumps(
    {
        "id": "resp_0123456789abcdef0123456789abcdef0123456789abcdef",
        "object": "response",
        "created_at": 1767225600,
        "status": "completed",
        "model": "gpt-4o-2024-11-20",
        "output": [
            {
                "id": "msg_0123456789abcdef0123456789abcdef",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [{"type": "output_text", "text": speeches.TEXT, "annotations": []}],
            }
        ],
        "usage": {"input_tokens": 29, "output_tokens": 27, "total_tokens": 56},
    }
)
TURNS, CONNECTIONS = 400, 8
IDLE = 5_000
QUIET = 10.0
"""Seconds in which idle sessions are watched."""
CHAIN = 200


def beside_chat(bench: Bench) -> Iterator[Row]:
    """(k) CPU for a whole response, beside the same as a chat."""
    claude = speeches.PROVIDERS["messages"]
    said = json.dumps(speeches.ANSWERS["messages"]).replace("'", "")
    for what, provider, chat_answer, answer, most in (
        ("passing through", PASSING, nginx.ANSWER, ANSWER, 1.1),
        ("to messages", claude, said, said, 1.2),
    ):
        bench.tell(f"(k) responses {what}, beside chat")
        with contextlib.ExitStack() as stack:
            enter = stack.enter_context
            chat = enter(nginx.upstream(bench.folder, answer=chat_answer))
            spoken = enter(nginx.upstream(bench.folder, answer=answer))
            base = enter(router.router(bench.folder, chat.port, backends=1, provider=provider))
            subject = enter(router.router(bench.folder, spoken.port, backends=1, provider=provider))
            ratios, costs = [], []
            for _ in range(bench.rounds):
                one = wrk.load(base, bench.folder, bench.seconds, CHAT).cpu_per_request
                two = wrk.load(subject, bench.folder, bench.seconds, RESPONSES).cpu_per_request
                bench.tell(f"  chat {one * 1e6:.1f} us, responses {two * 1e6:.1f} us")
                costs.append(two * 1e6)
                ratios.append(two / one)
        ratio = statistics.median(ratios)
        figure = f"{statistics.median(costs):.1f} us CPU"
        yield Row(
            f"(k) responses {what}", figure, f"{ratio:.2f} of chat", f"<= {most}", ratio <= most
        )


def sessions(bench: Bench) -> Iterator[Row]:
    """(l) CPU for a turn over a WebSocket, beside the same turn over HTTP.

    A turn that goes on from the one before: over HTTP by what is stored, over a WebSocket by what
    the session remembers. And one alone, which over HTTP leaves nothing to go on from. Each request
    and each handshake has the headers that OpenAI's SDK sends.
    """
    for what, length in (("that goes on from the one before", CONVERSATION), ("alone", 1)):
        bench.tell(f"(l) a streamed turn {what}, over HTTP and over a WebSocket")
        with router.router(bench.folder, 1, backends=1, provider=MOCK) as server:
            ratios, costs = [], []
            for _ in range(bench.rounds):
                http = cost_of(server, partial(by_http, length=length))
                socket = cost_of(server, partial(by_socket, length=length))
                bench.tell(f"  HTTP {http * 1e6:.0f} us, WebSocket {socket * 1e6:.0f} us")
                costs.append(socket * 1e6)
                ratios.append(socket / http)
        ratio = statistics.median(ratios)
        figure = f"{statistics.median(costs):.0f} us CPU"
        row = f"(l) a turn {what}, over a WebSocket"
        yield Row(row, figure, f"{ratio:.2f} of HTTP", "< 1", ratio < 1)


Turns = Callable[[int], Awaitable[None]]
CONVERSATION = 8
"""Turns that go on from one another."""
SDK = "\r\n".join(
    (
        "host: x",
        "accept-encoding: gzip, deflate",
        "connection: keep-alive",
        "accept: application/json",
        "content-type: application/json",
        "user-agent: AsyncOpenAI/Python 2.6.1",
        "x-stainless-lang: python",
        "x-stainless-package-version: 2.6.1",
        "x-stainless-os: Linux",
        "x-stainless-arch: x64",
        "x-stainless-runtime: CPython",
        "x-stainless-runtime-version: 3.13.0",
        "x-stainless-async: async:asyncio",
        "x-stainless-retry-count: 0",
        "x-stainless-read-timeout: 600",
        f"authorization: Bearer {KEY}",
        "",
    )
)
ID = re.compile(rb'"response":\{"id":"(resp_\w+)"')


def cost_of(server: Running, turns: Turns) -> float:
    """Seconds of the server's CPU for one turn."""

    async def all_of_them() -> None:
        await asyncio.gather(*(turns(server.port) for _ in range(CONNECTIONS)))

    uvloop.run(all_of_them())
    before = server.cpu()
    uvloop.run(all_of_them())
    return (server.cpu() - before) / (TURNS * CONNECTIONS)


async def by_http(port: int, length: int) -> None:
    """Turns of one connection that is kept alive, in conversations of such a length."""
    head = f"POST {RESPONSES} HTTP/1.1\r\n{SDK}"
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    previous = None
    for number in range(TURNS):
        body = turn(previous if number % length else None, stream=True, store=length > 1)
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n{body}".encode())
        previous = id_in(await reader.readuntil(b"0\r\n\r\n"))
    writer.close()


async def by_socket(port: int, length: int) -> None:
    """The turns of one session."""
    previous = None
    async with dialled(port) as (reader, writer):
        for number in range(TURNS):
            body = turn(previous if number % length else None, type="response.create", store=False)
            writer.write(masked(body.encode()))
            previous = id_in(await reader.readuntil(b'"type":"response.completed"'))


def turn(previous: str | None, **fields: str | bool) -> str:
    """A request, or a message, that goes on from a response."""
    more = {"previous_response_id": previous} if previous is not None else {}
    return json.dumps(json.loads(wrk.RESPONSE) | fields | more)


def id_in(events: bytes) -> str | None:
    """The id of the newest response among events."""
    found = ID.findall(events)
    return found[-1].decode() if found else None


@contextlib.asynccontextmanager
async def dialled(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A session."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    lines = (
        f"GET {RESPONSES} HTTP/1.1",
        "host: x",
        "upgrade: websocket",
        "connection: upgrade",
        "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        f"authorization: Bearer {KEY}",
    )
    writer.write("\r\n".join([*lines, "", ""]).encode())
    await reader.readuntil(b"\r\n\r\n")
    try:
        yield reader, writer
    finally:
        writer.close()


def masked(message: bytes) -> bytes:
    """A text frame of a client, masked with zeros."""
    return b"\x81\xfe" + len(message).to_bytes(2) + bytes(4) + message


def idle(bench: Bench) -> Iterator[Row]:
    """(m) What sessions cost in which nothing happens."""
    bench.tell(f"(m) {IDLE:,} idle sessions")
    with router.router(bench.folder, 1, backends=1, provider=MOCK) as server:
        uvloop.run(hold(server.port, 10, 0.1))
        empty = server.memory()
        memory, cpu = uvloop.run(held(server))
    each = (memory - empty) / IDLE / 1_000
    yield Row(f"(m) RSS for each of {IDLE:,} idle sessions", f"{each:.1f} KB")
    yield Row(f"(m) CPU of {IDLE:,} idle sessions", f"{cpu * 100:.1f} % of a core")


async def hold(port: int, count: int, seconds: float) -> None:
    """So many sessions for so long."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(count):
            await stack.enter_async_context(dialled(port))
        await asyncio.sleep(seconds)


async def held(server: Running) -> tuple[int, float]:
    """Memory, and the share of a core, while many sessions are open."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(IDLE):
            await stack.enter_async_context(dialled(server.port))
        await asyncio.sleep(1)
        before = server.cpu()
        await asyncio.sleep(QUIET)
        return server.memory(), (server.cpu() - before) / QUIET


def chain(bench: Bench) -> Iterator[Row]:
    """(n) A chain by `previous_response_id`: what its last turns cost for each byte of input."""
    bench.tell(f"(n) a chain of {CHAIN} turns")
    with router.router(bench.folder, 1, backends=1, provider=MOCK) as server:
        costs = uvloop.run(turns_of(server))
    early, late = statistics.median(costs[10:30]), statistics.median(costs[-20:])
    growth = late / early
    size = (CHAIN - 10) / 20
    bench.tell(f"  turn 20 {early * 1e3:.2f} ms, turn {CHAIN - 10} {late * 1e3:.2f} ms")
    yield Row(
        f"(n) turn {CHAIN - 10} of a chain beside turn 20, {size:g} times the input",
        f"{late * 1e3:.2f} ms",
        f"{growth:.2f} of turn 20",
        f"<= {size:g}",
        growth <= size,
    )


async def turns_of(server: Running) -> list[float]:
    """Seconds for each turn."""
    took = []
    previous = None
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1 << 24)
    for _ in range(CHAIN):
        body = json.dumps(
            {"model": "gpt-4o", "input": "word " * 100, "previous_response_id": previous}
        )
        head = f"POST {RESPONSES} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
        start = time.perf_counter()
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n{body}".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        data = await reader.readexactly(length)
        took.append(time.perf_counter() - start)
        previous = json.loads(data)["id"]
    writer.close()
    return took
