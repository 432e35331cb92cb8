"""The edge on a real socket: HTTP rules stay whole, whichever way a request goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from airouter.edge import EdgeProtocol
from airouter.interfaces import Exchange
from support.edge_server import EdgeServer, edge_server

TYPE = (b"content-type", b"text/plain")


class Script:
    """A pipeline that does what the test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.bodies: list[bytes] = []
        self.arrived = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.hold: asyncio.Event | None = None
        self.answer: Callable[[Exchange], None] = echo

    async def serve(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)
        self.bodies.append(exchange.body)
        self.arrived.set()
        try:
            if self.hold is not None:
                await self.hold.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        self.answer(exchange)


def echo(exchange: Exchange) -> None:
    exchange.respond(200, [TYPE], b"<" + exchange.body + b">")


def stream(exchange: Exchange) -> None:
    exchange.start(200, [TYPE])
    exchange.write(b"one")
    exchange.write(b"")
    exchange.write(b"two")
    exchange.end()


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def server(script: Script) -> AsyncIterator[EdgeServer]:
    async with edge_server(script.serve) as server:
        yield server


def post(body: bytes = b"hi", *headers: bytes, path: bytes = b"/v1/chat/completions") -> bytes:
    lines = [b"POST %b HTTP/1.1" % path, b"Host: x", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


CLOSE = b"Connection: close"


async def write_for_ever(writer: asyncio.StreamWriter) -> None:
    for _ in range(1000):
        writer.write(b"y" * 1000)
        await writer.drain()
        await asyncio.sleep(0)


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
        post(b"x", b"Content-Encoding: gzip", CLOSE),
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
    async with asyncio.timeout(5):
        answer = await reader.read()
    assert answer.index(b"<slow>") < answer.index(b"<next>")


async def test_a_connection_is_kept_alive(server: EdgeServer, script: Script) -> None:
    reader, writer = await server.connect()
    for body in (b"1", b"2"):
        writer.write(post(body))
        assert (await reader.readuntil(b">")).endswith(b"<" + body + b">")
    writer.close()


async def test_a_client_that_leaves_cancels_its_request(server: EdgeServer, script: Script) -> None:
    script.hold = asyncio.Event()
    _, writer = await server.connect()
    writer.write(post())
    await script.arrived.wait()
    writer.transport.abort()
    async with asyncio.timeout(1):
        await script.cancelled.wait()


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
        async with asyncio.timeout(1):
            await ended.wait()


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

    async with edge_server(serve) as server, asyncio.timeout(5):
        reader, writer = await server.connect()
        writer.write(post(b"hi", CLOSE))
        await source.paused.wait()
        assert (await reader.read()).endswith(b"0\r\n\r\n")


async def test_an_aborted_answer_cuts_the_connection(server: EdgeServer, script: Script) -> None:
    def cut(exchange: Exchange) -> None:
        exchange.start(200, [TYPE])
        exchange.abort()

    script.answer = cut
    reader, writer = await server.connect()
    writer.write(post())
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await reader.readuntil(b"0\r\n\r\n")


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
    async with asyncio.timeout(5):
        assert (await reader.read()).endswith(b"<hi>")
    assert await idle_reader.read() == b""


async def test_a_client_owes_a_whole_request_in_time_and_then_nothing(
    server: EdgeServer, script: Script
) -> None:
    script.hold = asyncio.Event()
    reader, writer = await server.connect()
    writer.write(post()[:-1])
    await asyncio.sleep(0.01)
    (connection,) = server.state.connections
    assert connection.deadline < float("inf")  # type: ignore[union-attr]
    writer.write(post()[-1:])
    await script.arrived.wait()
    assert connection.deadline == float("inf")  # type: ignore[union-attr]
    script.hold.set()
    await reader.readuntil(b"<hi>")
    assert connection.deadline < float("inf")  # type: ignore[union-attr]
    connection.expire()  # type: ignore[union-attr]
    assert await reader.read() == b""


def connection_of(server: EdgeServer) -> EdgeProtocol:
    (connection,) = server.state.connections
    assert isinstance(connection, EdgeProtocol)
    return connection


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


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

    async with edge_server(serve) as server, asyncio.timeout(5):
        reader, writer = await server.connect()
        writer.write(post(b"large") + post(b"stream", CLOSE))
        await source.paused.wait()
        assert (await reader.read()).endswith(b"0\r\n\r\n")


async def test_a_client_that_takes_nothing_for_long_is_cut_off(
    server: EdgeServer, script: Script
) -> None:
    script.answer = lambda exchange: exchange.respond(200, [TYPE], b"x" * 20_000_000)
    reader, writer = await server.connect()
    writer.write(post())
    await script.arrived.wait()
    connection = connection_of(server)
    await until(lambda: connection.flow.write_paused)
    assert connection.deadline < float("inf")
    await reader.readexactly(10_000_000)
    connection.expire()
    assert server.state.connections, "it has taken some of it"
    await asyncio.sleep(0.1)  # while it takes what is on its way
    connection.expire()
    connection.expire()
    await until(lambda: not server.state.connections)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(20_000_000)


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
    async with asyncio.timeout(5):
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


async def test_who_ends_its_side_still_gets_what_was_answered_already(
    server: EdgeServer, script: Script
) -> None:
    reader, writer = await server.connect()
    writer.write(post())
    writer.write_eof()
    async with asyncio.timeout(5):
        assert (await reader.read()).endswith(b"<hi>")


@pytest.mark.parametrize("path", [b"/v1/chat/completions", b"/other"])
async def test_an_offer_of_http_2_is_declined_without_a_word(
    server: EdgeServer, script: Script, path: bytes
) -> None:
    """As the HTTP client of Java makes it, with a body."""
    offer = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk")
    reader, writer = await server.connect()
    writer.write(post(b"hello", *offer, path=path) + post(b"again"))
    writer.write(post(b"last", CLOSE))
    async with asyncio.timeout(5):
        answer = await reader.read()
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert b"<hello>" in answer if path != b"/other" else b"POST /other 5" in answer
    assert answer.index(b"<again>") < answer.index(b"<last>")


async def test_a_body_is_asked_for_however_the_wish_is_written(server: EdgeServer) -> None:
    reader, writer = await server.connect()
    writer.write(post(b"hi", b"Expect: 100-Continue")[:-2])
    async with asyncio.timeout(5):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
