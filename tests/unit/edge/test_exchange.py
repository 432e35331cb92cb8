"""Answers of the pipeline on a real socket, and clients that leave before they have them."""

from __future__ import annotations

import asyncio

import pytest

from airouter.interfaces import Exchange
from support.edge_server import EdgeServer, edge_server
from unit.edge.script import CLOSE, TYPE, Script, post, stream, until


async def test_a_stream_is_sent_in_chunks(server: EdgeServer, script: Script) -> None:
    script.answer = stream
    answer = await server.exchange(post(b"hi", CLOSE))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head
    assert body == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


async def test_a_client_of_http_1_0_gets_no_chunks(server: EdgeServer, script: Script) -> None:
    script.answer = stream
    answer = await server.exchange(post(b"hi").replace(b"HTTP/1.1", b"HTTP/1.0"))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert b"connection: close" in head
    assert body == b"onetwo"


async def test_a_client_that_leaves_cancels_its_request(server: EdgeServer, script: Script) -> None:
    script.hold = asyncio.Event()
    _, writer = await server.connect()
    writer.write(post())
    await script.arrived.wait()
    writer.transport.abort()
    async with asyncio.timeout(30):
        await script.cancelled.wait()


@pytest.mark.parametrize("then", [b"/v1/chat/completions", b"/other"])
async def test_a_stream_of_the_application_ends_with_a_client_who_has_asked_for_more(
    server: EdgeServer, then: bytes
) -> None:
    server.patient = True
    _, writer = await server.connect()
    writer.write(post(path=b"/first") + post(path=then))
    await until(lambda: server.declined)
    writer.transport.abort()
    async with asyncio.timeout(60):
        await server.left.wait()
    assert [path for _, path, _ in server.declined] == ["/first"]


async def test_a_client_that_leaves_within_a_stream_cancels_it(
    server: EdgeServer, script: Script
) -> None:
    ended = asyncio.Event()

    async def serve(exchange: Exchange) -> None:
        exchange.start(200, [TYPE])
        try:
            while True:
                exchange.write(b"more")
                await asyncio.sleep(0.001)
        finally:
            ended.set()

    async with edge_server(serve) as server:
        reader, writer = await server.connect()
        writer.write(post())
        await reader.readuntil(b"more")
        writer.transport.abort()
        async with asyncio.timeout(30):
            await ended.wait()


async def test_an_aborted_answer_cuts_the_connection(server: EdgeServer, script: Script) -> None:
    def cut(exchange: Exchange) -> None:
        exchange.start(200, [TYPE])
        exchange.abort()

    script.answer = cut
    reader, writer = await server.connect()
    writer.write(post())
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await reader.readuntil(b"0\r\n\r\n")


async def test_a_draining_edge_asks_clients_to_go_elsewhere(
    server: EdgeServer, script: Script
) -> None:
    server.edge.draining = True
    assert b"\r\nconnection: close\r\n" in await server.exchange(post())


async def test_an_answer_after_shutdown_was_asked_for_closes_its_connection(
    server: EdgeServer, script: Script
) -> None:
    script.hold = asyncio.Event()
    reader, writer = await server.connect()
    idle_reader, _ = await server.connect()
    writer.write(post())
    await script.arrived.wait()
    for connection in list(server.state.connections):
        connection.shutdown()
    script.hold.set()
    async with asyncio.timeout(30):
        assert (await reader.read()).endswith(b"<hi>")
    assert await idle_reader.read() == b""


async def test_who_ends_its_side_still_gets_what_was_answered_already(
    server: EdgeServer, script: Script
) -> None:
    reader, writer = await server.connect()
    writer.write(post())
    writer.write_eof()
    async with asyncio.timeout(30):
        assert (await reader.read()).endswith(b"<hi>")
