"""A provider that gives one answer, goes on with it where it is told to, and breaks off as told."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from failover.faulty import http
from support.goers_on import (
    SAID,
    STREAMS,
    Script,
    cut_in,
    ends_with_the_model,
    rest_of,
)

HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
    b"connection: close\r\n\r\n"
)
ERRORS = {
    "compatible": b'data: {"error": '
    b'{"message": "overloaded", "type": "server_error", "code": 503}}\n\n',
    "messages": b'event: error\ndata: {"type": "error", "error": '
    b'{"type": "overloaded_error", "message": "Overloaded"}}\n\n',
}
Break = Callable[["Narrator", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Ends a stream that has said a part of the answer."""


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def cut(_: Narrator, __: asyncio.StreamReader, ___: asyncio.StreamWriter) -> None:
    """Close the connection."""


async def stall(_: Narrator, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Say no more, until the router has had enough."""
    await reader.read()


async def mumble(_: Narrator, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send an event that cannot be read."""
    writer.write(chunk(b'event: x\ndata: {"id": "c", "choi\n\n') + b"0\r\n\r\n")


async def fail(self: Narrator, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send an error as an event."""
    writer.write(chunk(ERRORS[self.dialect]) + b"0\r\n\r\n")


async def end(_: Narrator, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End in order, but without the end of the answer."""
    writer.write(b"0\r\n\r\n")


BREAKS: dict[str, Break] = {
    "a cut": cut,
    "a stall": stall,
    "an unreadable event": mumble,
    "an error": fail,
    "an end without a reason": end,
}


class Narrator:
    """Listens on 127.0.0.1."""

    def __init__(self, name: str, dialect: str, script: Script) -> None:
        self.name = name
        self.dialect = dialect
        self.script = script
        self.port = 0
        self.bodies: list[dict[str, Any]] = []
        self.heard = asyncio.Event()
        """Set once the client has some of the answer: until then, no stream breaks."""
        self.refuses_prefill = False
        self.status = 200
        self.breaks: deque[tuple[int, Break]] = deque()
        """For each request, the bytes after which its stream breaks, and how."""

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}" + ("/v1" if self.dialect == "compatible" else "")

    def break_after(self, said: int, how: Break) -> None:
        """Break the next stream after so many characters."""
        self.breaks.append((cut_in(self.script, self.dialect, said=said), how))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the request of one connection."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            )
            body = json.loads(await reader.readexactly(length))
            self.bodies.append(body)
            await self._answer(body, reader, writer)
            await writer.drain()
        writer.close()

    async def _answer(
        self, body: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self.status != 200:
            writer.write(http(self.status, {"error": {"message": "no"}}, "connection: close"))
        elif self.refuses_prefill and ends_with_the_model(body):
            error = {"type": "invalid_request_error", "message": "No prefill."}
            writer.write(http(400, {"type": "error", "error": error}, "connection: close"))
        else:
            data = STREAMS[self.dialect](rest_of(self.script, SAID[self.dialect](body)))
            if not self.breaks:
                writer.write(HEAD + chunk(data) + b"0\r\n\r\n")
                return
            size, how = self.breaks.popleft()
            writer.write(HEAD + chunk(data[:size]))
            await writer.drain()
            async with asyncio.timeout(60):
                await self.heard.wait()
                await how(self, reader, writer)

    def said_at_last(self) -> str:
        """The text that the last request had it go on from."""
        return SAID[self.dialect](self.bodies[-1])

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Narrator]:
        async with await asyncio.start_server(self.serve, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            yield self
