"""A pipeline that tests of the edge play, and what its clients send."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from airouter.edge import EdgeProtocol
from airouter.interfaces import Exchange
from support.edge_server import EdgeServer

TYPE = (b"content-type", b"text/plain")
CLOSE = b"Connection: close"


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


def post(body: bytes = b"hi", *headers: bytes, path: bytes = b"/v1/chat/completions") -> bytes:
    lines = [b"POST %b HTTP/1.1" % path, b"Host: x", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


async def write_for_ever(writer: asyncio.StreamWriter) -> None:
    for _ in range(1000):
        writer.write(b"y" * 1000)
        await writer.drain()
        await asyncio.sleep(0)


def connection_of(server: EdgeServer) -> EdgeProtocol:
    (connection,) = server.state.connections
    assert isinstance(connection, EdgeProtocol)
    return connection


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)
