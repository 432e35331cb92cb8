"""Sessions: frames of any size, number and state."""

from __future__ import annotations

import asyncio
import zlib
from functools import partial

from benchmarks.hostile.sending import (
    DEFLATE,
    LARGEST,
    MIB,
    Target,
    at_once,
    frame,
    websocket,
)

TEXT, DEFLATED, CONTINUED, PING, CLOSE = 0x81, 0xC1, 0x00, 0x89, 0x88
QUIET = 10.0
"""Seconds without a word, after which all is said."""
MESSAGE = b'{"type":"response.create","model":"passed","store":false,"input":"%b"}'


def message(text: bytes) -> bytes:
    """Return a message of the largest size."""
    return MESSAGE % (text * ((LARGEST - len(MESSAGE)) // len(text)))


async def send(target: Target, data: bytes, offer: bytes = b"", *, waits: bool = False) -> None:
    """Send frames over a session of their own, and wait until nothing more is said."""
    async with websocket(target, offer) as (reader, writer):
        writer.write(data)
        if waits:
            while await asyncio.wait_for(reader.read(MIB), QUIET):
                pass
            return
        await writer.drain()
        writer.write(frame(CLOSE, b"\x03\xe8"))
        await reader.read()


async def tiny_frames(target: Target) -> None:
    """10 sessions with messages of 200,000 empty frames."""
    data = frame(0x01) + frame(CONTINUED) * 200_000
    await at_once(10, partial(send, target, data))


async def pings(target: Target) -> None:
    """10 sessions with 100,000 pings each."""
    await at_once(10, partial(send, target, frame(PING, b"ping") * 100_000))


async def large_frames(target: Target) -> None:
    """30 messages of 31 MiB."""
    await at_once(30, partial(send, target, frame(TEXT, message(b"hello world ")), waits=True))


async def deflated_frames(target: Target) -> None:
    """30 messages of 31 MiB, deflated."""
    packer = zlib.compressobj(wbits=-12)
    packed = packer.compress(message(b"hello world ")) + packer.flush(zlib.Z_SYNC_FLUSH)
    data = frame(DEFLATED, packed[:-4])
    await at_once(30, partial(send, target, data, DEFLATE, waits=True))


async def large_warm_ups(target: Target) -> None:
    """5 sessions that warm up with 8 MB of instructions, and 5 with 15,000 tools."""
    text = b"hello world " * 660_000
    tools = b",".join(
        b'{"type":"function","name":"f%d","parameters":{}}' % number for number in range(15_000)
    )
    for said in (b'"instructions":"%b"' % text, b'"tools":[%b]' % tools):
        body = b'{"type":"response.create","model":"mocked","generate":false,"input":"hi",%b}'
        await at_once(5, partial(send, target, frame(TEXT, body % said), waits=True))


async def unfinished_frames(target: Target) -> None:
    """400 frames of which 1 MiB comes, and no more."""
    data = frame(TEXT, message(b"hello world ")[:MIB], LARGEST)

    async def begin() -> None:
        async with websocket(target) as (_, writer):
            writer.write(data)
            await writer.drain()

    await at_once(400, begin)
