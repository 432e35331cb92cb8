"""What is no request, or too much of one."""

from __future__ import annotations

import asyncio

import pytest

from support.edge_server import EdgeServer, edge_server
from unit.edge.script import Script, post, write_for_ever


@pytest.mark.parametrize(
    ("garbage", "status"),
    [
        (b"\x16\x03\x01\x02\x00", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
    ],
)
async def test_what_is_no_request_is_refused_in_openai_shape(
    server: EdgeServer, garbage: bytes, status: bytes
) -> None:
    answer = await server.exchange(garbage)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b'{"error":{"message":' in answer


@pytest.mark.parametrize("start", [b"GET /", b"GET / HTTP/1.1\r\nX: "])
async def test_a_header_that_does_not_end_is_refused(server: EdgeServer, start: bytes) -> None:
    reader, writer = await server.connect()
    writer.write(start)
    while not any(c.deadline < float("inf") for c in server.state.connections):  # type: ignore[union-attr]
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.01)
    writer.write(b"x" * 70_000)
    assert (await reader.read()).startswith(b"HTTP/1.1 431")


async def test_endless_trailers_are_cut_off(script: Script) -> None:
    async with edge_server(script.serve, body_limit=1024) as server:
        _, writer = await server.connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ")
        with pytest.raises(ConnectionError):
            await write_for_ever(writer)


async def test_one_connection_too_many_is_turned_away() -> None:
    script = Script()
    async with edge_server(script.serve, max_connections=1) as server:
        reader, writer = await server.connect()
        writer.write(post())
        await reader.readuntil(b"<hi>")
        assert (await server.exchange(b"")).startswith(b"HTTP/1.1 503")
        writer.write(post())
        await reader.readuntil(b"<hi>")


@pytest.mark.parametrize("path", [b"/v1/chat/completions", b"/other"])
async def test_what_was_asked_before_garbage_is_answered_before_its_refusal(
    server: EdgeServer, script: Script, path: bytes
) -> None:
    answer = await server.exchange(post(path=path) + b"\x01\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"}HTTP" not in answer
    assert answer.count(b"HTTP/1.1 400 Bad Request") == 1


async def test_garbage_behind_a_request_does_not_stand_in_for_its_answer(
    server: EdgeServer, script: Script
) -> None:
    script.hold = asyncio.Event()
    reader, writer = await server.connect()
    writer.write(post() + b"\x01\r\n\r\n")
    await script.arrived.wait()
    await asyncio.sleep(0.01)
    script.hold.set()
    async with asyncio.timeout(30):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"<hi>HTTP/1.1 400 Bad Request" in answer


async def test_a_body_that_grows_too_large_after_its_answer_is_not_answered_again(
    script: Script,
) -> None:
    async with edge_server(script.serve, body_limit=1024) as server:
        server.hasty = True
        reader, writer = await server.connect()
        writer.write(b"POST /other HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        await reader.readuntil(b"POST /other 0")
        with pytest.raises(ConnectionError):
            await write_for_ever(writer)
