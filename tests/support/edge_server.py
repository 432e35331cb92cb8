"""The edge alone on a socket, with a pipeline that the test plays and an application behind it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import uvicorn
from uvicorn.server import ServerState

from airouter.bounds.held_bytes import OF_ANSWERS, HeldBytes, Holding
from airouter.config.snapshot import Cors
from airouter.edge import Edge, EdgeProtocol
from airouter.edge.fair_queue import FairQueue
from airouter.eventloop.outbox import Outbox
from airouter.eventloop.turns import Turns
from airouter.failures import wrong_key
from airouter.http.unpacking import unpacked
from airouter.interfaces import Exchange, Headers, Serve
from airouter.telemetry.record import RequestRecord

HOT = b"/v1/chat/completions"


class Doorkeeper:
    """An admission that lets everybody in who does not have the key `wrong`."""

    cors: Cors | None = None

    def __init__(self, limit: int = 1 << 28) -> None:
        self.held = HeldBytes(limit)
        self.records: list[RequestRecord] = []
        """The requests that never came to the pipeline."""

    def admit(self, headers: Headers, size: int) -> Holding:
        given = dict(headers).get(b"authorization", b"")
        if given == b"wrong":
            raise wrong_key()
        return self.held.hold(given.decode(), size)

    def client_of(self, headers: Headers) -> str:
        return dict(headers).get(b"authorization", b"").decode()

    def for_answers(self, headers: Headers) -> Holding:
        return Holding(self.held, self.client_of(headers), OF_ANSWERS)

    async def unpack(self, body: bytes, codings: list[str], holding: Holding) -> bytes:
        return b"".join(unpacked(body, codings))

    def record(self, record: RequestRecord) -> None:
        self.records.append(record)


class EdgeServer:
    """What the edge was given, and where it listens."""

    def __init__(self, edge: Edge) -> None:
        self.edge = edge
        self.state = ServerState()
        self.port = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.declined: list[tuple[str, str, bytes]] = []
        """Method, path and body of the requests that went to the ASGI application."""
        self.echo = b""
        """What the application answers instead of the method and path."""
        self.hasty = False
        """Whether the application answers before it has received the body."""
        self.patient = False
        """Whether the application streams for as long as its client is there."""
        self.left = asyncio.Event()
        self.waits: asyncio.Event | None = None
        """What the application waits for before it answers, with nothing received."""

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A client's connection, closed with the server."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        return reader, writer

    async def exchange(self, data: bytes) -> bytes:
        """Send bytes on a new connection, and give what comes back until it is closed."""
        reader, writer = await self.connect()
        writer.write(data)
        async with asyncio.timeout(60):
            return await reader.read()

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers every request with its own method and path."""
        if self.waits is not None:
            await self.waits.wait()
            self.hasty = True
        body = b""
        while not self.hasty and (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
        self.declined.append((scope["method"], scope["path"], body))
        if self.patient:
            await self.stream(receive, send)
            return
        echo = self.echo or f"{scope['method']} {scope['path']} {len(body)}".encode()
        head = [(b"content-length", b"%d" % len(echo))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": echo})

    async def stream(self, receive: Any, send: Any) -> None:
        """Send until the client is gone."""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        gone = asyncio.create_task(receive())
        while not gone.done():
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            await asyncio.sleep(0.01)
        assert gone.result()["type"] == "http.disconnect"
        self.left.set()


@contextlib.asynccontextmanager
async def edge_server(
    serve: Callable[[Exchange], Awaitable[None]],
    admission: Doorkeeper | None = None,
    **bounds: Any,
) -> AsyncIterator[EdgeServer]:
    """A listening edge whose hot path is served by `serve`."""
    loop = asyncio.get_running_loop()
    defaults: dict[str, Any] = {
        "body_limit": 1 << 20,
        "max_connections": 100,
        "keep_alive": 5.0,
        "request_timeout": 5.0,
    }
    endpoints = {HOT: cast("Serve", serve)}
    bounds = defaults | bounds
    admission = admission or Doorkeeper()
    queue = FairQueue(loop, admission.client_of)
    edge = Edge(endpoints, Outbox(loop), Turns(loop), queue, admission, **bounds)
    server = EdgeServer(edge)
    config = uvicorn.Config(
        server.application,
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        ws="none",
    )
    listener = await loop.create_server(
        lambda: EdgeProtocol(config, server.state, {}, loop, edge=edge), "127.0.0.1", 0
    )
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for writer in server.writers:
            writer.close()
        for connection in list(server.state.connections):
            connection.transport.abort()
        await asyncio.sleep(0.01)
