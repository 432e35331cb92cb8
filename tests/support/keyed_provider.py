"""A provider that answers one key, fails as it is told, and counts who asks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from support.chat_provider import ANSWER, http
from support.failing_provider import length_of


class KeyedProvider:
    """A provider of chats; `status` is what it answers to its key."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.status = 200
        self.asked = 0
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def answer_to(self, head: bytes) -> bytes:
        """The answer to a request."""
        self.asked += 1
        if f"authorization: bearer {self.key}".encode() not in head.lower():
            return http(401, {"error": {"message": "wrong key"}})
        return http(self.status, ANSWER if self.status == 200 else {"error": {"message": "down"}})

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what comes on one connection."""
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                fed = asyncio.StreamReader()
                fed.feed_data(head)
                fed.feed_eof()
                await reader.readexactly(await length_of(fed))
                writer.write(self.answer_to(head))
        writer.close()


@contextlib.asynccontextmanager
async def keyed_provider(key: str) -> AsyncIterator[KeyedProvider]:
    """A provider that listens."""
    provider = KeyedProvider(key)
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.port = server.sockets[0].getsockname()[1]
    try:
        yield provider
    finally:
        server.close()
