"""Floods over one connection: others have their turns, and nothing piles up."""

from __future__ import annotations

import asyncio
import zlib

import pytest

from support.config import mock_manifest
from support.in_loop import served
from support.mock_router import MODEL
from support.mock_sessions import dial, last, say
from unit.api.test_handshake import handshake
from unit.api.test_websocket import CREATE, PING, TEXT, Raw, frame

MIB = 1 << 20
DEFLATED = b"Sec-WebSocket-Extensions: permessage-deflate"


async def opened(port: int, *lines: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A WebSocket by hand, over which nothing was said yet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=64 * MIB)
    writer.write(handshake(*lines))
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def test_others_are_answered_before_a_flood_of_frames_is_worked_off() -> None:
    pings = 100_000
    async with served(mock_manifest(MODEL)) as router, dial(router) as other:
        reader, writer = await opened(router.port)
        writer.write(frame(PING, b"") * pings)
        await reader.readexactly(2)
        await say(other, input="Hi")
        assert (await last(other))["type"] == "response.completed"
        assert (await router.chat(MODEL)).status_code == 200
        (flooded,) = [each for each in router.router.sessions.open if each._backlog.unread]
        assert flooded._read_paused
        async with asyncio.timeout(60):
            assert await reader.readexactly(2 * pings - 2)
        writer.transport.abort()


async def ping_for_ever(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(frame(PING, b"x" * 125) * 1_000)
        await writer.drain()


async def test_a_client_that_takes_no_pongs_is_read_no_further() -> None:
    async with served(mock_manifest(MODEL)) as router:
        _, writer = await opened(router.port)
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # it is one of a socket
        (flooded,) = router.router.sessions.open
        flood = asyncio.create_task(ping_for_ever(writer))
        try:
            async with asyncio.timeout(60):
                while flooded.slice_size():
                    assert flooded.transport.get_write_buffer_size() < 2 * MIB
                    await asyncio.sleep(0)
            assert (await router.chat(MODEL)).status_code == 200
        finally:
            flood.cancel()
            writer.transport.abort()


def deflated(text: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    data = compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return frame(TEXT, data[:-4], rsv=4)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (deflated(b"x" * 3 * MIB), 1009),
        (deflated(b'{"a":"\xff"}'), 1007),
        (deflated(b'{"a":"' + b"\xff" * MIB + b'"}'), 1007),
        (frame(TEXT, b"\xff" * 50, rsv=4), 1002),
        (frame(TEXT, b"x", rsv=4, fin=False) + frame(0, b"y", rsv=4), 1002),
    ],
)
async def test_what_does_not_inflate_to_a_message_ends_the_session(data: bytes, code: int) -> None:
    async with served(mock_manifest(MODEL), max_body_bytes=2 * MIB) as router:
        reader, writer = await opened(router.port, DEFLATED)
        writer.write(data + frame(TEXT, CREATE))
        assert await Raw(reader, writer).code() == code
        writer.transport.abort()


async def test_large_deflated_messages_are_answered_in_their_order() -> None:
    async with (
        served(mock_manifest(MODEL, reply="echo")) as router,
        dial(router, compression="deflate", max_size=None) as connection,
    ):
        for text in ("a" * MIB, "b", "c" * 300_000):
            await say(connection, input=text)
        for text in ("a", "b", "c"):
            event = await last(connection)
            assert event["response"]["output"][0]["content"][0]["text"].startswith(text)
