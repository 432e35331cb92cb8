"""What is decided at the end of a head: who may send a body, and how much is read at a time."""

from __future__ import annotations

import asyncio
import time

import pytest

from airouter.bounds.held_bytes import HeldBytes, Holding
from airouter.edge.shared import PLAIN_BODY_LIMIT, SLICE
from airouter.eventloop.turns import TURN, Turns, Work
from airouter.interfaces import Exchange, Headers
from support.edge_server import Doorkeeper, EdgeServer, edge_server
from unit.edge.script import CLOSE, Script, connection_of, echo, post, until

WRONG, OURS = b"Authorization: wrong", b"Authorization: ours"
CHUNKED_HEAD = post(b"", b"Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"")


def head(size: int, *headers: bytes) -> bytes:
    """The head of a request whose body does not come."""
    return post(b"", *headers).replace(b"Content-Length: 0", b"Content-Length: %d" % size)


def refusing(script: Script) -> Script:
    """A pipeline that answers a refusal with its status, as the real one does."""
    serve = script.serve

    async def answer(exchange, *, refusal=None):  # type: ignore[no-untyped-def]
        if refusal is None:
            await serve(exchange)
        else:
            script.bodies.append(exchange.body)
            exchange.respond(refusal.status, [], b"no")

    script.serve = answer  # type: ignore[method-assign]
    return script


async def test_a_wrong_key_is_answered_at_the_head_and_its_body_is_not_kept(
    script: Script,
) -> None:
    async with edge_server(refusing(script).serve) as server, asyncio.timeout(30):
        for size in (100, 500_000):
            reader, writer = await server.connect()
            writer.write(head(size, WRONG))
            assert b" 401 " in await reader.readuntil(b"\r\n")
            await reader.readuntil(b"no")
            writer.write(b"x" * size + post(b"next", CLOSE))
            assert (await reader.read()).endswith(b"<next>")
        assert script.bodies == [b"", b"next"] * 2


async def test_a_client_that_closes_after_its_request_reads_its_refusal(script: Script) -> None:
    async with edge_server(refusing(script).serve) as server, asyncio.timeout(30):
        reader, writer = await server.connect()
        writer.write(head(500_000, WRONG, CLOSE))
        await reader.readuntil(b"no")
        assert server.state.connections, "the rest of the body is on its way"
        writer.write(b"x" * 500_000)
        assert await reader.read() == b""


async def test_a_refusal_waits_for_the_answers_before_it(script: Script) -> None:
    script.hold = asyncio.Event()
    async with edge_server(refusing(script).serve) as server, asyncio.timeout(30):
        reader, writer = await server.connect()
        writer.write(post(b"first") + head(50_000, WRONG))
        await script.arrived.wait()
        script.hold.set()
        assert (await reader.readuntil(b"no")).startswith(b"HTTP/1.1 200")
        writer.write(b"x" * 50_000 + post(b"next", CLOSE))
        assert (await reader.read()).endswith(b"<next>")


async def test_bodies_are_held_until_they_are_answered(script: Script) -> None:
    script.hold = asyncio.Event()
    admission = Doorkeeper(1_000_000)
    serving = refusing(script).serve
    async with edge_server(serving, admission) as server, asyncio.timeout(30):
        first, writer = await server.connect()
        writer.write(post(b"x" * 400_000, OURS))
        await script.arrived.wait()
        reader, writer = await server.connect()
        writer.write(head(400_000, OURS))
        assert b" 503 " in await reader.readuntil(b"\r\n")
        script.hold.set()
        await first.readexactly(400_000)
        reader, writer = await server.connect()
        writer.write(post(b"y" * 400_000, OURS))
        assert b" 200 " in await reader.readuntil(b"\r\n")


async def test_a_client_that_leaves_lets_go_of_its_body(script: Script) -> None:
    admission = Doorkeeper(1_000_000)
    async with edge_server(refusing(script).serve, admission) as server, asyncio.timeout(30):
        for _ in range(5):
            _, writer = await server.connect()
            writer.write(head(400_000, OURS) + b"x" * 10)
            await until(lambda: server.state.connections)
            connection = connection_of(server)
            await until(lambda: connection._receiving)  # noqa: B023
            assert not connection._receiving.refused  # type: ignore[union-attr]
            writer.transport.abort()
            await until(lambda: not server.state.connections)


async def test_heads_that_do_not_end_are_bounded_together(script: Script) -> None:
    async with edge_server(script.serve, Doorkeeper(100_000)) as server, asyncio.timeout(30):
        answers = []
        for _ in range(5):
            reader, writer = await server.connect()
            writer.write(b"GET / HTTP/1.1\r\nX: " + b"x" * 30_000)
            answers.append(reader)
        await until(lambda: len(server.state.connections) < 5)
        assert b" 503 " in await answers[-1].readuntil(b"\r\n")
        assert b"<hi>" in await server.exchange(post(b"hi", CLOSE))


class NoTurns(Turns):
    """Turns that never come."""

    def share(self, work: Work) -> None:
        """Leave the work undone."""


async def test_what_connections_send_at_once_is_bounded_before_any_of_it_is_parsed(
    script: Script,
) -> None:
    room = Doorkeeper(200_000)
    async with edge_server(script.serve, room) as server, asyncio.timeout(30):
        server.edge.turns = NoTurns(asyncio.get_running_loop())
        answers = []
        for _ in range(8):
            reader, writer = await server.connect()
            writer.write(head(400_000, OURS) + b"x" * 30_000)
            answers.append(reader)
        await until(lambda: len(server.state.connections) < 5)
        assert 0 < room.held.held <= 100_000
        assert b" 503 " in await answers[-1].readuntil(b"\r\n")
    await until(lambda: not room.held.held)


@pytest.mark.parametrize("leaves", [True, False])
async def test_nothing_is_kept_of_a_body_that_the_application_will_not_take(
    script: Script, leaves: bool
) -> None:
    room = Doorkeeper()
    async with edge_server(script.serve, room) as server, asyncio.timeout(30):
        server.waits = asyncio.Event()
        reader, writer = await server.connect()
        writer.write(CHUNKED_HEAD + b"%x\r\n" % 300_000 + b"x" * 50_000)
        await until(lambda: server.state.connections)
        connection = connection_of(server)
        await until(lambda: connection._unserved.cycle and room.held.held >= 50_000)
        cycle = connection._unserved.cycle
        assert cycle is not None
        if leaves:
            writer.transport.abort()
        else:
            server.waits.set()
            await reader.readuntil(b"\r\n\r\n")
        await until(lambda: not cycle.body and not room.held.held)
        server.waits.set()


async def test_a_body_is_read_no_faster_than_the_application_takes_it(script: Script) -> None:
    size = 8 * PLAIN_BODY_LIMIT
    async with edge_server(script.serve, body_limit=size) as server, asyncio.timeout(30):
        server.waits = asyncio.Event()
        reader, writer = await server.connect()
        writer.write(post(b"x" * size, CLOSE))
        await until(lambda: server.state.connections)
        connection = connection_of(server)
        await until(lambda: connection._unserved.is_much)
        for _ in range(9):
            assert b"<hi>" in await server.exchange(post(b"hi", CLOSE))
        assert connection.flow.read_paused
        assert server.edge.admission.held.held < PLAIN_BODY_LIMIT
        server.waits.set()
        assert b" 200 " in await reader.readuntil(b"\r\n")


class SlowDoorkeeper(Doorkeeper):
    """One that takes a turn to let somebody in, and has room for every answer."""

    def admit(self, headers: Headers, size: int) -> Holding:
        time.sleep(TURN)
        return super().admit(headers, size)

    def for_answers(self, headers: Headers) -> Holding:
        return HeldBytes(1 << 30).hold("", 0)


async def test_a_body_behind_an_answer_that_is_not_taken_is_refused_where_there_is_no_room(
    script: Script,
) -> None:
    def answer_at_length(exchange: Exchange) -> None:
        exchange.respond(200, [], b"y" * (8 << 20))

    script.answer = answer_at_length
    room = SlowDoorkeeper(220_000)
    async with edge_server(script.serve, room) as server, asyncio.timeout(60):
        reader, writer = await server.connect()
        writer.write(post(b"first") + head(60_000, OURS) + b"x" * 59_000)
        await script.arrived.wait()
        await until(lambda: room.records)
        assert b"HTTP/1.1 503" in await reader.read()
        script.answer = echo
        assert (await server.exchange(post(b"z" * 2 * SLICE, CLOSE))).endswith(b"z>")


async def test_requests_in_one_packet_are_parsed_as_their_turns_come(
    server: EdgeServer, script: Script
) -> None:
    script.hold = asyncio.Event()
    reader, writer = await server.connect()
    writer.write(post(b"a", path=b"/other") + post(b"b") * 2_000 + post(b"last", CLOSE))
    await script.arrived.wait()
    connection = connection_of(server)
    assert len(connection.pipeline) <= SLICE // len(post(b"b")) + 1
    script.hold.set()
    script.answer = echo
    async with asyncio.timeout(60):
        answer = await reader.read()
    assert answer.count(b"<b>") == 2_000
    assert answer.endswith(b"<last>")


async def test_a_body_in_very_many_pieces_is_put_together(
    server: EdgeServer, script: Script
) -> None:
    _, writer = await server.connect()
    body = bytes(range(256)) * 40
    data = post(body, OURS)
    for at in range(0, len(data), 100):
        writer.write(data[at : at + 100])
        await asyncio.sleep(0)
    await script.arrived.wait()
    assert script.bodies == [body]


async def test_the_rest_of_a_large_body_is_parsed_at_once_and_what_follows_in_slices(
    server: EdgeServer, script: Script
) -> None:
    reader, writer = await server.connect()
    size = PLAIN_BODY_LIMIT + 1
    writer.write(head(size) + b"x" * 100)
    await until(lambda: bool(server.state.connections))
    connection = connection_of(server)
    await until(lambda: connection.slice_size() == size - 100)
    writer.write(b"x" * (size - 100) + post(b"b") * 1_000 + post(b"last", CLOSE))
    assert (await reader.read()).endswith(b"<last>")
    assert [len(body) for *_, body in server.declined] == [size]
    assert script.bodies == [b"b"] * 1_000 + [b"last"]


async def test_a_chunked_body_is_parsed_in_slices(server: EdgeServer) -> None:
    _, writer = await server.connect()
    writer.write(post(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"))
    await until(lambda: bool(server.state.connections))
    assert connection_of(server).slice_size() == SLICE
