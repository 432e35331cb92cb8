"""Clients that take their answers slowly, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import cast

import pytest

from airouter.edge import EdgeProtocol
from airouter.interfaces import Exchange
from support.edge_server import Doorkeeper, EdgeServer, edge_server
from unit.edge.script import CLOSE, TYPE, Script, connection_of, post, until


async def test_a_client_that_reads_slowly_pauses_the_source_and_resumes_it() -> None:
    class Source:
        def __init__(self) -> None:
            self.paused, self.resumed = asyncio.Event(), asyncio.Event()

        def pause(self) -> None:
            self.paused.set()

        def resume(self) -> None:
            self.resumed.set()

    source = Source()

    async def serve(exchange: Exchange) -> None:
        exchange.start(200, [TYPE])
        exchange.source = source
        while not source.paused.is_set():
            exchange.write(b"x" * 65_536)
            await asyncio.sleep(0)
        await source.resumed.wait()
        exchange.source = None
        exchange.end()

    async with edge_server(serve) as server, asyncio.timeout(30):
        reader, writer = await server.connect()
        writer.write(post(b"hi", CLOSE))
        await source.paused.wait()
        assert (await reader.read()).endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("path", [b"/v1/chat/completions", b"/v1/models"])
async def test_a_client_that_takes_no_answer_is_read_no_further(
    server: EdgeServer, script: Script, path: bytes
) -> None:
    script.answer = lambda exchange: exchange.respond(200, [TYPE], b"x" * 1_000_000)
    server.echo = b"x" * 1_000_000
    _, writer = await server.connect()
    request = post(b"y" * 1000, path=path)
    await until(lambda: server.state.connections)
    connection = connection_of(server)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            while True:
                writer.write(request * 100)
                await writer.drain()
    assert len(connection.pipeline) < 1000
    assert len(script.exchanges) + len(server.declined) < 1000
    assert connection.transport.get_write_buffer_size() < 100_000_000


@pytest.mark.parametrize("path", [b"/v1/chat/completions", b"/v1/models"])
async def test_a_client_that_leaves_too_much_of_its_answers_is_cut_off_and_others_are_not(
    script: Script, path: bytes
) -> None:
    script.answer = lambda exchange: exchange.respond(200, [TYPE], b"x" * 20_000_000)
    doorkeeper = Doorkeeper(60_000_000)
    async with edge_server(script.serve, doorkeeper, max_connections=9) as server:
        server.echo = b"x" * 20_000_000
        asked = post(b"hi", b"Authorization: a", path=path)
        for _ in range(6):
            _, writer = await server.connect()
            writer.write(asked)
        await until(lambda: len(script.exchanges) + len(server.declined) == 6)
        open_ = cast("list[EdgeProtocol]", list(server.state.connections))
        await until(
            lambda: all(each.flow.write_paused or each.transport.is_closing() for each in open_)
        )
        left = [each.transport for each in open_ if not each.transport.is_closing()]
        assert (
            sum(each.get_write_buffer_size() for each in left) <= doorkeeper.held.held <= 40_000_000
        )
        script.answer = lambda exchange: exchange.respond(200, [TYPE], b"y" * 5_000_000)
        server.echo = b"y" * 5_000_000
        other = await server.exchange(post(b"hi", b"Authorization: b", CLOSE, path=path))
        assert other.endswith(b"y" * 5_000_000)
        for writer in server.writers:
            writer.transport.abort()
        await until(lambda: not doorkeeper.held.held)


async def test_requests_are_read_no_faster_than_they_are_answered(server: EdgeServer) -> None:
    reader, writer = await server.connect()
    request = post(path=b"/other")
    writer.write(request * 50_000 + post(path=b"/last"))
    await until(lambda: server.state.connections)
    connection = connection_of(server)
    reading = asyncio.create_task(reader.readuntil(b"POST /other 2"))
    longest = 0
    for _ in range(500):
        await asyncio.sleep(0)
        longest = max(longest, len(connection.pipeline))
    await reading
    assert 0 < longest < 6_000


@pytest.mark.skipif(
    sys.version_info < (3, 12), reason="there it begins once the answer before it was taken"
)
async def test_a_stream_that_begins_behind_an_answer_nobody_takes_is_paused() -> None:
    class Source:
        def __init__(self) -> None:
            self.paused, self.resumed = asyncio.Event(), asyncio.Event()

        def pause(self) -> None:
            self.paused.set()

        def resume(self) -> None:
            self.resumed.set()

    source = Source()

    async def serve(exchange: Exchange) -> None:
        if exchange.body == b"large":
            exchange.respond(200, [TYPE], b"x" * 20_000_000)
            return
        await asyncio.sleep(0.05)  # the large answer is on its way
        exchange.source = source
        exchange.start(200, [TYPE])
        exchange.write(b"y")
        await source.resumed.wait()
        exchange.source = None
        exchange.end()

    async with edge_server(serve) as server, asyncio.timeout(30):
        reader, writer = await server.connect()
        writer.write(post(b"large") + post(b"stream", CLOSE))
        await source.paused.wait()
        assert (await reader.read()).endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("headers", [(), (CLOSE,)])
async def test_a_client_that_takes_nothing_for_long_is_cut_off(
    server: EdgeServer, script: Script, headers: tuple[bytes, ...]
) -> None:
    script.answer = lambda exchange: exchange.respond(200, [TYPE], b"x" * 20_000_000)
    reader, writer = await server.connect()
    writer.write(post(b"hi", *headers))
    await script.arrived.wait()
    connection = connection_of(server)
    await until(lambda: connection.flow.write_paused)
    assert connection.deadline < float("inf")
    await reader.readexactly(10_000_000)
    connection.expire()
    await asyncio.sleep(0.1)  # while it takes what is on its way
    assert server.state.connections, "it has taken some of it"
    connection.expire()
    connection.expire()
    await until(lambda: not server.state.connections)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(20_000_000)
