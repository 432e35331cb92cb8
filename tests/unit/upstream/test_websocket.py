"""A WebSocket to a provider, on loopback: what opens it, what goes over it, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.utils import accept_key

from airouter.config.snapshot import TLS, Credential, Timeouts
from airouter.eventloop.outbox import Outbox
from airouter.eventloop.turns import Turns
from airouter.interfaces import BrokenReply, ConnectError, Declined
from airouter.upstream.origin import Origin, connect
from airouter.upstream.websocket import SLICE, WebSocket
from support.loop_watch import loop_watched
from unit.upstream.tls import CA_PEM, pool, pools, server_context, tunnel_proxy

HEAD = b"authorization: Bearer sk-x\r\n"
PATH = b"/v1/responses?api-version=1"

MANY_FRAMES = 100_000
"""Bytes of them."""
FEW = 0.2
"""Share of all work that the loop may do in one go; half of it was one go."""

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Ear:
    """Hears what comes."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes | BrokenReply] = asyncio.Queue()

    def hear(self, message: bytes) -> None:
        self.heard.put_nowait(message)

    def lose(self, error: BrokenReply) -> None:
        self.heard.put_nowait(error)

    async def next(self) -> bytes | BrokenReply:
        async with asyncio.timeout(30):
            return await self.heard.get()


def listening(socket: WebSocket) -> Ear:
    ear = Ear()
    socket.listen(ear)
    return ear


async def echo(connection: ServerConnection) -> None:
    """Says what it was asked for, and what it is told."""
    assert connection.request is not None
    async for message in connection:
        await connection.send(f"{connection.request.path} {message!s}")


@contextlib.asynccontextmanager
async def peer(answer: Peer) -> AsyncIterator[int]:
    """Somebody who writes bytes as they like."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def dialled(port: int, *, ping_every: float = 30.0, most: int = 1 << 20) -> WebSocket:
    outbox = Outbox(asyncio.get_running_loop())
    turns = Turns(asyncio.get_running_loop(), rests=False)
    socket = await connect(
        lambda: WebSocket(outbox, turns, most, ping_every=ping_every),
        Origin.of(f"http://127.0.0.1:{port}"),
        None,
        None,
    )
    await socket.shake_hands(PATH, b"127.0.0.1", HEAD)
    return socket


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("proxied", [False, True])
async def test_messages_go_both_ways_also_by_tls_and_through_a_tunnel(
    secure: bool, proxied: bool
) -> None:
    context = server_context() if secure else None
    async with (
        serve(echo, "127.0.0.1", 0, ssl=context) as server,
        tunnel_proxy() as (proxy, heads),
    ):
        port = server.sockets[0].getsockname()[1]
        scheme = "https" if secure else "http"
        tls = TLS(ca_pem=CA_PEM) if secure else None
        by = {scheme: f"http://127.0.0.1:{proxy}"} if proxied else {}
        subject = pool(f"{scheme}://127.0.0.1:{port}", tls, **by)
        socket = await subject.dial(PATH, HEAD)
        ear = listening(socket)
        socket.send('{"a":"ü"}'.encode())
        assert await ear.next() == PATH + ' {"a":"ü"}'.encode()
        socket.close()
        assert bool(heads) == proxied


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", "not HTTP"),
        (b"", "broke off the handshake"),
        (b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\n\r\n", "status 101"),
        (b"HTTP/1.1 426 Upgrade Required\r\ncontent-length: 2\r\n\r\nNo", "status 426"),
    ],
)
async def test_what_is_no_upgrade_is_told(answer: bytes, what: str) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with peer(say) as port:
        with pytest.raises(ConnectError, match=what):
            await pool(f"http://127.0.0.1:{port}").dial(PATH, HEAD)


async def test_a_refusal_has_its_status_headers_and_body() -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 429 No\r\nRetry-After: 7\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()

    async with peer(say) as port:
        with pytest.raises(Declined) as caught:
            await pool(f"http://127.0.0.1:{port}").dial(PATH, HEAD)
    answer = caught.value.answer
    assert (answer.status, answer.headers[b"retry-after"], answer.body) == (429, b"7", b"{}")


async def test_a_handshake_that_is_never_answered_takes_no_longer_than_a_connection_may() -> None:
    left = asyncio.Event()

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        left.set()
        writer.close()

    credential = Credential(name="c", type="OpenAI", timeouts=Timeouts(connect=0.1))
    async with peer(say) as port:
        subject = pools().pool_for(credential, f"http://127.0.0.1:{port}")
        with pytest.raises(ConnectError, match=r"within 0\.1 s"):
            await subject.dial(PATH, HEAD)
        async with asyncio.timeout(30):
            await left.wait()


async def test_a_message_in_fragments_is_one() -> None:
    async def say(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(["a", "b", "c"])

    async with serve(say, "127.0.0.1", 0) as server:
        socket = await dialled(server.sockets[0].getsockname()[1])
        ear = listening(socket)
        socket.send(b"go")
        assert await ear.next() == b"abc"


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (b"\x81\x7f" + struct.pack("!Q", 1 << 40), "larger than 1024 bytes"),
        (b"\x01\x7e\x03\xe8" + b"a" * 1000 + b"\x80\x7e\x03\xe8" + b"a" * 1000, "larger than"),
        (b"\x82\x02{}", "rules"),
        (b"\x81\x01\xff", "rules"),
        (b"\xf1\x00", "rules"),
        (b"\x88\x02\x03\xf3", "with 1011"),
        (b"", "early"),
    ],
)
async def test_frames_that_are_none_end_it(frame: bytes, why: str) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept(reader, writer)
        await reader.read(1)
        writer.write(frame)
        writer.close()

    async with peer(say) as port:
        socket = await dialled(port, most=1024)
        ear = listening(socket)
        socket.send(b"go")
        error = await ear.next()
    assert isinstance(error, BrokenReply)
    assert why in str(error)
    assert socket.closed


async def test_who_answers_no_ping_is_lost() -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept(reader, writer)
        await reader.read()
        writer.close()

    async with peer(say) as port:
        socket = await dialled(port, ping_every=0.02)
        error = await listening(socket).next()
    assert "pings" in str(error)


async def test_who_answers_pings_is_not() -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept(reader, writer)
        for _ in range(3):
            ping = await reader.readexactly(6)
            assert ping.startswith(b"\x89\x80")
            writer.write(b"\x8a\x00")
        writer.write(b"\x81\x02{}")
        await reader.read()
        writer.close()

    async with peer(say) as port:
        socket = await dialled(port, ping_every=0.05)
        assert await listening(socket).next() == b"{}"
        assert not socket.closed
        socket.close()


async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Shake hands by hand."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    (key,) = (line[19:] for line in head.splitlines() if line.startswith("sec-websocket-key: "))
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
        b"sec-websocket-accept: %b\r\n\r\n" % accept_key(key).encode()
    )


@pytest.mark.parametrize("frame", [b"\x8a\x00", b"\x81\x00", b"\x01\x00\x80\x00"])
async def test_very_many_small_frames_are_read_in_slices(frame: bytes) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept(reader, writer)
        await reader.read(1)
        writer.write(frame * (MANY_FRAMES // len(frame)) + b"\x81\x02{}")
        await reader.read()
        writer.close()

    async with peer(say) as port:
        socket = await dialled(port)
        ear = listening(socket)
        async with loop_watched() as watch:
            socket.send(b"go")
            while await ear.next() != b"{}":
                pass
        socket.close()
    assert watch.share < FEW


async def test_what_was_received_waits_while_its_listener_pauses() -> None:
    message, times = b"\x81\x04%04d", 4_000

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accept(reader, writer)
        await reader.read(1)
        writer.write(b"".join(message % number for number in range(times)) + b"\x88\x02\x03\xf3")
        writer.close()

    class Hesitant(Ear):
        def hear(self, message: bytes) -> None:
            super().hear(message)
            socket.pause()

    async with peer(say) as port:
        socket = await dialled(port)
        ear = Hesitant()
        socket.listen(ear)
        socket.send(b"go")
        for number in range(times):
            assert await ear.next() == b"%04d" % number
            assert ear.heard.qsize() <= SLICE // len(message % 0)
            if ear.heard.empty():
                socket.resume()
        assert isinstance(await ear.next(), BrokenReply)
