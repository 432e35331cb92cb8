"""A web server on 127.0.0.1 that knows nothing of models: one page, whatever is asked for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

PAGE = b"<!DOCTYPE html>\n<html>\n<title>Not here</title>\n</html>\n"


@contextlib.asynccontextmanager
async def web_page(status: int) -> AsyncIterator[str]:
    """Serve it with a status; yields the URL."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            head = b"HTTP/1.1 %d X\r\ncontent-type: text/html\r\ncontent-length: %d\r\n"
            writer.write(head % (status, len(PAGE)) + b"connection: close\r\n\r\n" + PAGE)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
