"""A provider played by hand: the test reads each request and writes the bytes of the answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from ssl import SSLContext

OK = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"ok":true}'


class Conversation:
    """One connection, from the provider's side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """The next whole request, header and body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        )
        return head + await self.reader.readexactly(length)

    async def say(self, data: bytes) -> None:
        """Write and wait until it is out."""
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> None:
        """Wait until the other side has closed."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65_536):
                pass

    def hang_up(self) -> None:
        """Close in an orderly way."""
        self.writer.close()

    def reset(self) -> None:
        """Cut the connection."""
        self.writer.transport.abort()


class RawUpstream:
    """Listens on 127.0.0.1 and hands each connection to the test."""

    def __init__(self) -> None:
        self.port = 0
        self.count = 0
        self._incoming: asyncio.Queue[Conversation] = asyncio.Queue()

    async def accept(self) -> Conversation:
        """The next connection."""
        async with asyncio.timeout(60):
            return await self._incoming.get()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection came in."""
        self.count += 1
        self._incoming.put_nowait(Conversation(reader, writer))


@contextlib.asynccontextmanager
async def raw_upstream(tls: SSLContext | None = None) -> AsyncIterator[RawUpstream]:
    """A listening provider; every connection is cut at the end."""
    upstream = RawUpstream()
    writers: list[asyncio.StreamWriter] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await upstream.take(reader, writer)

    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=tls)
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)
