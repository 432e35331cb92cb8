"""The edge on a real socket: HTTP rules stay whole, whichever way a request goes."""

from __future__ import annotations

import asyncio

import pytest

from support.edge_server import EdgeServer
from unit.edge.script import CLOSE, Script, connection_of, post, until


async def test_a_plain_request_goes_straight_to_the_pipeline(
    server: EdgeServer, script: Script
) -> None:
    answer = await server.exchange(post(b"hi", b"X-Thing: 1", CLOSE))
    assert answer == (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n"
        b"content-length: 4\r\n\r\n<hi>"
    )
    assert script.exchanges[0].headers[b"x-thing"] == b"1"
    assert server.declined == []


async def test_a_body_in_many_pieces_is_one_body(server: EdgeServer, script: Script) -> None:
    reader, writer = await server.connect()
    for byte in post(b"piecemeal", CLOSE):
        writer.write(bytes([byte]))
        await asyncio.sleep(0)
    await reader.read()
    assert script.bodies == [b"piecemeal"]


@pytest.mark.parametrize(
    "request_",
    [
        post(b"x", CLOSE, path=b"/v1/models"),
        post(b"x", CLOSE, path=b"/v1/chat/completions?a=b"),
        post(b"x", b"Expect: something", CLOSE),
        post(b"x" * (1 << 20) + b"y", CLOSE),
        b"GET /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nTrailer: y\r\n\r\n",
    ],
)
async def test_what_is_not_plain_goes_to_the_application(
    server: EdgeServer, script: Script, request_: bytes
) -> None:
    answer = await server.exchange(request_)
    assert answer.startswith(b"HTTP/1.1 200")
    assert len(server.declined) == 1
    assert script.exchanges == []


async def test_a_client_that_expects_100_is_told_to_go_on(server: EdgeServer) -> None:
    reader, writer = await server.connect()
    head, body = post(b"hi", b"Expect: 100-continue", CLOSE).split(b"\r\n\r\n")
    writer.write(head + b"\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body)
    assert (await reader.read()).endswith(b"POST /v1/chat/completions 2")


async def test_pipelined_requests_are_answered_in_their_order(
    server: EdgeServer, script: Script
) -> None:
    cold = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = await server.exchange(
        post(b"a") + cold + post(b"b") + post(b"c") + cold + post(b"d", CLOSE)
    )
    bodies = [part.partition(b"\r\n\r\n")[2] for part in answer.split(b"HTTP/1.1 200 OK\r\n")[1:]]
    assert bodies == [b"<a>", b"GET /health 0", b"<b>", b"<c>", b"GET /health 0", b"<d>"]


async def test_thousands_of_pipelined_requests_are_no_recursion(
    server: EdgeServer, script: Script
) -> None:
    answer = await server.exchange(post(b"a") * 3000 + post(b"last", CLOSE))
    assert answer.count(b"<a>") == 3000
    assert answer.endswith(b"<last>")


async def test_a_pipelined_request_waits_for_the_stream_before_it(
    server: EdgeServer, script: Script
) -> None:
    script.hold = asyncio.Event()
    reader, writer = await server.connect()
    writer.write(post(b"slow") + post(b"next", CLOSE))
    await script.arrived.wait()
    assert script.bodies == [b"slow"]
    script.hold.set()
    async with asyncio.timeout(30):
        answer = await reader.read()
    assert answer.index(b"<slow>") < answer.index(b"<next>")


async def test_a_connection_is_kept_alive(server: EdgeServer, script: Script) -> None:
    reader, writer = await server.connect()
    for body in (b"1", b"2"):
        writer.write(post(body))
        assert (await reader.readuntil(b">")).endswith(b"<" + body + b">")
    writer.close()


async def test_a_client_owes_a_whole_request_in_time_and_then_nothing(
    server: EdgeServer, script: Script
) -> None:
    script.hold = asyncio.Event()
    reader, writer = await server.connect()
    writer.write(post()[:-1])
    await until(lambda: server.state.connections)
    (connection,) = server.state.connections
    await until(lambda: connection.deadline < float("inf"))  # type: ignore[union-attr]
    writer.write(post()[-1:])
    await script.arrived.wait()
    assert connection.deadline == float("inf")  # type: ignore[union-attr]
    script.hold.set()
    await reader.readuntil(b"<hi>")
    assert connection.deadline < float("inf")  # type: ignore[union-attr]
    connection.expire()  # type: ignore[union-attr]
    assert await reader.read() == b""


async def test_a_connection_that_was_answered_before_its_request_was_whole_expires(
    server: EdgeServer,
) -> None:
    server.hasty = True
    reader, writer = await server.connect()
    writer.write(post(path=b"/other")[:-1])
    await reader.readuntil(b"POST /other")
    connection = connection_of(server)
    writer.write(post()[-1:])
    await until(lambda: connection.deadline < float("inf"))
    await asyncio.sleep(0.01)
    assert connection.deadline < float("inf")
    connection.expire()
    await reader.read()


@pytest.mark.parametrize("path", [b"/v1/chat/completions", b"/other"])
async def test_an_offer_of_http_2_is_declined_without_a_word(
    server: EdgeServer, script: Script, path: bytes
) -> None:
    """As the HTTP client of Java makes it, with a body."""
    offer = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk")
    reader, writer = await server.connect()
    writer.write(post(b"hello", *offer, path=path) + post(b"again"))
    writer.write(post(b"last", CLOSE))
    async with asyncio.timeout(30):
        answer = await reader.read()
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert b"<hello>" in answer if path != b"/other" else b"POST /other 5" in answer
    assert answer.index(b"<again>") < answer.index(b"<last>")


async def test_a_body_is_asked_for_however_the_wish_is_written(server: EdgeServer) -> None:
    reader, writer = await server.connect()
    writer.write(post(b"hi", b"Expect: 100-Continue")[:-2])
    async with asyncio.timeout(30):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
