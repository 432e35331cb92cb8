"""What a WebSocket endures: malformed frames, clients that do not read, drains of many sessions."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import logging
import os
import struct
from random import Random
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from support.config import MASTER_KEY, mock_manifest
from support.in_loop import Served, served
from support.mock_router import MODEL
from support.mock_sessions import dial, heard, last, say

CREATE = json.dumps({"type": "response.create", "model": MODEL, "input": "Hi"}).encode()
ROUNDS, FRAMES = 100, 100
TEXT, BINARY, CONTINUATION, CLOSE, PING = 1, 2, 0, 8, 9


def frame(
    opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0, mask: bool = True
) -> bytes:
    """One frame of a client (RFC 6455, section 5.2)."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    flag = 0x80 if mask else 0
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first, flag | size)
    elif size < 65_536:
        head = struct.pack("!BBH", first, flag | 126, size)
    else:
        head = struct.pack("!BBQ", first, flag | 127, size)
    if not mask:
        return head + payload
    key = b"\x01\x02\x03\x04"
    return head + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


class Raw:
    """A WebSocket by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def dial(cls, router: Served) -> Raw:
        reader, writer = await asyncio.open_connection("127.0.0.1", router.port)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            "GET /v1/responses HTTP/1.1",
            "host: x",
            "upgrade: websocket",
            "connection: Upgrade",
            f"sec-websocket-key: {key}",
            "sec-websocket-version: 13",
            f"authorization: Bearer {MASTER_KEY}",
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        return cls(reader, writer)

    async def code(self) -> int | None:
        """The code that the router closes with; None when it just ends."""
        async with asyncio.timeout(60):
            try:
                while True:
                    first, second = await self.reader.readexactly(2)
                    size = second & 0x7F
                    if size == 126:
                        (size,) = struct.unpack("!H", await self.reader.readexactly(2))
                    elif size == 127:
                        (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
                    payload = await self.reader.readexactly(size)
                    if first & 0x0F == CLOSE:
                        found: int = struct.unpack("!H", payload[:2])[0]
                        return found
            except (asyncio.IncompleteReadError, ConnectionError):
                return None

    def close(self) -> None:
        self.writer.transport.abort()


BAD: list[tuple[str, bytes, set[int]]] = [
    ("unmasked", frame(TEXT, CREATE, mask=False), {1002}),
    ("reserved bit", frame(TEXT, CREATE, rsv=2), {1002}),
    ("unknown opcode", frame(3, b"x"), {1002}),
    ("continuation of nothing", frame(CONTINUATION, b"x"), {1002}),
    ("a text inside a text", frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), {1002}),
    ("a ping in pieces", frame(PING, b"x", fin=False), {1002}),
    ("a long ping", frame(PING, b"x" * 126), {1002}),
    ("no UTF-8", frame(TEXT, b'{"type":"\xff"}'), {1007}),
    (
        "no UTF-8 in pieces",
        frame(TEXT, b'{"a":"\xc3', fin=False) + frame(CONTINUATION, b'"}'),
        {1007},
    ),
    ("binary", frame(BINARY, CREATE), {1003}),
    ("too large", frame(TEXT, b"x" * 20_000), {1009}),
    (
        "too large in pieces",
        frame(TEXT, b"x" * 9_000, fin=False) + frame(CONTINUATION, b"x" * 9_000),
        {1009},
    ),
    ("a close with half a code", frame(CLOSE, b"\x03"), {1002}),
    ("a close with a wrong code", frame(CLOSE, struct.pack("!H", 999)), {1002}),
]


@pytest.mark.parametrize(("data", "codes"), [each[1:] for each in BAD], ids=[b[0] for b in BAD])
async def test_a_malformed_frame_closes_with_the_right_code(data: bytes, codes: set[int]) -> None:
    async with served(mock_manifest(MODEL), max_body_bytes=16_384) as router:
        raw = await Raw.dial(router)
        raw.writer.write(data)
        assert await raw.code() in codes
        raw.close()


def nonsense(random: Random) -> bytes:
    """A frame that may be wrong in any way."""
    payload = random.choice(
        [
            CREATE,
            b"{}",
            b"[1]",
            b'{"type":"response.steer"}',
            b'{"type":5}',
            random.randbytes(random.randrange(200)),
            b"x" * random.choice([125, 126, 65_535, 65_536]),
            json.dumps({"type": "response.create", "input": [[]]}).encode(),
            b'{"type":"response.create","stream_id":"' + b"a" * random.randrange(300) + b'"}',
        ]
    )
    data = frame(
        random.choice([TEXT] * 6 + [BINARY, CONTINUATION, CLOSE, PING, 10, 3, 15]),
        payload,
        fin=random.random() < 0.8,
        rsv=random.choice([0] * 8 + [1, 4]),
        mask=random.random() < 0.95,
    )
    return data if random.random() < 0.9 else data[: random.randrange(len(data))]


async def test_ten_thousand_malformed_frames_leave_nothing_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    random = Random(7)
    async with served(mock_manifest(MODEL), max_body_bytes=65_536) as router:
        caplog.clear()
        for _ in range(ROUNDS):
            raw = await Raw.dial(router)
            for _ in range(FRAMES):
                raw.writer.write(nonsense(random))
            raw.writer.write_eof()
            code = await raw.code()
            assert code in {None, 1000, 1002, 1003, 1005, 1007, 1009}
            raw.close()
        async with asyncio.timeout(60):
            while router.router.sessions.open:
                await asyncio.sleep(0.01)
        assert (await router.client.get("/health")).status_code == 200
        gc.collect()
    noise = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert not noise, noise[:3]


async def test_a_message_in_very_many_pieces_is_one_message() -> None:
    async with served(mock_manifest(MODEL)) as router, dial(router) as connection:
        text = CREATE.decode()
        await connection.send(text[at : at + 1] for at in range(len(text)))
        assert (await last(connection))["type"] == "response.completed"


async def test_a_client_that_does_not_read_holds_back_its_response_only() -> None:
    async with served(mock_manifest(MODEL, reply="tokens:100000")) as router:
        raw = await Raw.dial(router)
        raw.writer.write(frame(TEXT, CREATE) * 3)
        await raw.writer.drain()
        async with dial(router) as other:
            await say(other, input="Hi")
            assert (await last(other))["type"] == "response.completed"
        raw.close()
        async with asyncio.timeout(60):
            while router.router.sessions.open:
                await asyncio.sleep(0.01)


async def test_compression_is_agreed_on_and_used() -> None:
    async with (
        served(mock_manifest(MODEL)) as router,
        dial(router, compression="deflate") as connection,
    ):
        assert connection.protocol.extensions
        await say(connection, input="word " * 1_000)
        assert (await last(connection))["response"]["usage"]["input_tokens"] in (1_000, 1_001)


async def test_a_drain_with_a_hundred_sessions_finishes_what_is_under_way() -> None:
    config = mock_manifest(MODEL, tokensPerSecond=40)
    async with served(config, drain_deadline=20.0) as router:
        sessions = [await dial(router) for _ in range(100)]
        busy, idle = sessions[:20], sessions[20:]
        for connection in busy:
            await say(connection, input="a " * 30)
            await heard(connection)
        assert router.router.server is not None
        router.router.server.should_exit = True

        async def end_of(connection: Any) -> int:
            with pytest.raises(ConnectionClosed) as caught:
                await heard(connection)
            assert caught.value.rcvd is not None
            return caught.value.rcvd.code

        assert {await end_of(connection) for connection in idle} == {1012}
        for connection in busy:
            assert (await last(connection))["type"] == "response.completed"
        assert {await end_of(connection) for connection in busy} == {1012}


async def test_an_idle_session_is_pinged_as_often_as_heartbeats_come() -> None:
    text = mock_manifest("m").replace('"spec": {', '"spec": {"resilience": {"heartbeat": "1s"},')
    async with served(text) as router:
        raw = await Raw.dial(router)
        async with asyncio.timeout(60):
            first, _ = await raw.reader.readexactly(2)
        assert first & 0x0F == PING
        raw.close()
