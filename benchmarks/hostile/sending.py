"""Requests and frames as bytes, and connections that send them without much ado."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

CHATS, MESSAGES, RESPONSES = b"/v1/chat/completions", b"/v1/messages", b"/v1/responses"
CONVERSATIONS = b"/v1/conversations"
MIB = 1_048_576
LARGEST = 31 * MIB
"""Bytes; a body or a message of more is refused for its size."""
LONGEST = 60.0
"""Seconds that a client waits for an answer."""
MASK = b"\x01\x02\x03\x04"
UPGRADE = (
    b"GET /v1/responses HTTP/1.1\r\nhost: router\r\nauthorization: Bearer %b\r\n%b"
    b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
DEFLATE = b"sec-websocket-extensions: permessage-deflate\r\n"


class Target(NamedTuple):
    """The router, and the key of the client that means it ill."""

    port: int
    key: bytes


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Send = Callable[[], Awaitable[None]]


def head(target: Target, path: bytes, size: int | None) -> bytes:
    """Return the head of a request; its body comes in chunks where it has no size."""
    framing = b"transfer-encoding: chunked" if size is None else b"content-length: %d" % size
    return (
        b"POST %b HTTP/1.1\r\nhost: router\r\nauthorization: Bearer %b\r\n"
        b"content-type: application/json\r\n%b\r\n\r\n" % (path, target.key, framing)
    )


@contextlib.asynccontextmanager
async def connection(target: Target) -> AsyncIterator[Stream]:
    """Open a connection, which ends without a word; that the router ended it first is no error."""
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    try:
        async with asyncio.timeout(LONGEST):
            yield reader, writer
    except (ConnectionError, TimeoutError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.transport.abort()


async def post(target: Target, path: bytes, body: bytes) -> bytes:
    """Send a request, and return the status and the body of its answer; empty for none."""
    async with connection(target) as (reader, writer):
        writer.write(head(target, path, len(body)))
        writer.write(body)
        told = (await reader.readuntil(b"\r\n\r\n")).lower()
        size = told.partition(b"content-length:")[2].partition(b"\r")[0]
        answer = reader.readexactly(int(size)) if size else reader.readuntil(b"\r\n0\r\n\r\n")
        return told[9:12] + await answer
    return b""


async def at_once(times: int, send: Callable[[], Awaitable[object]]) -> None:
    """Do something so many times at once."""
    await asyncio.gather(*(send() for _ in range(times)))


@contextlib.asynccontextmanager
async def websocket(target: Target, offer: bytes = b"") -> AsyncIterator[Stream]:
    """Open a session."""
    async with connection(target) as (reader, writer):
        writer.write(UPGRADE % (target.key, offer))
        await reader.readuntil(b"\r\n\r\n")
        yield reader, writer


def frame(first: int, data: bytes = b"", size: int | None = None) -> bytes:
    """Return a masked frame with `data`, which announces another `size` if need be (RFC 6455)."""
    size = len(data) if size is None else size
    if size < 126:
        head_ = bytes((first, 0x80 | size))
    elif size < 65_536:
        head_ = bytes((first, 0xFE)) + size.to_bytes(2, "big")
    else:
        head_ = bytes((first, 0xFF)) + size.to_bytes(8, "big")
    return head_ + MASK + masked(data)


def masked(data: bytes) -> bytes:
    """Return the data of a frame as it travels (RFC 6455, 5.3)."""
    mask = int.from_bytes((MASK * (len(data) // 4 + 1))[: len(data)], "big")
    return (int.from_bytes(data, "big") ^ mask).to_bytes(len(data), "big")


def noise(size: int) -> bytes:
    """Return so many hexadecimal digits that do not repeat."""
    return os.urandom(size // 2).hex().encode()
