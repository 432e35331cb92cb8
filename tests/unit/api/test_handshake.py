"""Handshakes of WebSockets that are odd, early, late, or none."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import pytest

from support.config import MASTER_KEY, mock_manifest
from support.in_loop import Served, served
from support.mock_router import MODEL
from unit.api.test_websocket import CREATE, PING, TEXT, frame

LINES = (
    b"Host: x",
    b"Upgrade: websocket",
    b"Connection: Upgrade",
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    b"Sec-WebSocket-Version: 13",
    b"Authorization: Bearer " + MASTER_KEY.encode(),
)
CHAT = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}).encode()


def handshake(*more: bytes, path: bytes = b"/v1/responses", method: bytes = b"GET") -> bytes:
    return b"\r\n".join((b"%b %b HTTP/1.1" % (method, path), *LINES, *more, b"", b""))


def post(*more: bytes, path: bytes = b"/v1/chat/completions", body: bytes = CHAT) -> bytes:
    key = b"Authorization: Bearer " + MASTER_KEY.encode()
    head = (b"POST %b HTTP/1.1" % path, b"Host: x", key, b"Content-Length: %d" % len(body), *more)
    return b"\r\n".join((*head, b"", body))


@pytest.fixture
async def router(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Served]:
    async with served(mock_manifest(MODEL)) as router:
        caplog.clear()
        yield router
    noise = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert not noise, noise[:3]


async def exchanged(router: Served, data: bytes, until: bytes) -> bytes:
    """Send bytes, and read up to others."""
    reader, writer = await asyncio.open_connection("127.0.0.1", router.port, limit=1 << 24)
    try:
        writer.write(data)
        async with asyncio.timeout(60):
            return await reader.readuntil(until)
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(
    "line",
    [
        b"X-Name: J\xc3\xbcrgen",
        b"User-Agent: \xff\xfe",
        b"Cookie: " + b"c" * 20_000,
        b"Origin: http://m\xfcnchen",
    ],
)
async def test_a_header_of_any_characters_and_length_opens_a_session(
    router: Served, line: bytes
) -> None:
    assert b" 101 " in await exchanged(router, handshake(line), b"\r\n\r\n")


async def test_very_many_headers_open_a_session(router: Served) -> None:
    data = handshake(*(b"X-%d: y" % number for number in range(300)))
    assert b" 101 " in await exchanged(router, data, b"\r\n\r\n")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (handshake().replace(b"AAA==", b"A\xfcA=="), 400),
        (handshake().replace(b"Version: 13", b"Version: \xff"), 400),
        (handshake(b"Sec-WebSocket-Extensions: \xff;;"), 400),
        (handshake(b"Sec-WebSocket-Extensions: " + b"a," * 10_000), 101),
        (handshake(path=b"/v1/responses/\xc3\xbc"), 400),
        (handshake(path=b"/v1/" + b"x" * 5_000), 404),
        (handshake(path=b"/v1/responses%00"), 404),
        (handshake().replace(b"sk-test", b"sk-t\xfcst"), 401),
        (handshake(b"Authorization: Bearer \xfc"), 400),
    ],
)
async def test_an_odd_handshake_is_answered(router: Served, data: bytes, status: int) -> None:
    answer = await exchanged(router, data, b"\r\n\r\n")
    assert int(answer.split()[1]) == status


async def test_frames_that_come_with_the_handshake_are_read(router: Served) -> None:
    await exchanged(router, handshake() + frame(TEXT, CREATE), b"response.completed")
    many = handshake() + frame(PING, b"x") * 1_000 + frame(TEXT, CREATE)
    await exchanged(router, many, b"response.completed")


async def test_a_handshake_waits_for_the_answers_before_it(router: Served) -> None:
    slow = json.dumps({**json.loads(CHAT), "metadata": {"mock_latency_ms": "100"}}).encode()
    data = post(body=slow) + post(path=b"/v1/none") + handshake() + frame(TEXT, CREATE)
    answer = await exchanged(router, data, b"response.completed")
    assert answer.index(b" 200 ") < answer.index(b" 404 ") < answer.index(b" 101 ")
    assert answer.count(b"HTTP/1.1 ") == 3


async def test_a_post_that_offers_a_websocket_is_served_as_a_post(router: Served) -> None:
    offer = (b"Upgrade: websocket", b"Connection: Upgrade")
    data = post(*offer) + post(b"Connection: close")
    answer = await exchanged(router, data, b"connection: close")
    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert b'"chat.completion"' in answer


async def test_a_get_with_a_body_opens_no_websocket(router: Served) -> None:
    data = handshake(b"Content-Length: 5") + b"hello" + post(path=b"/v1/none")
    answer = await exchanged(router, data, b" 404 ")
    assert answer.startswith(b"HTTP/1.1 405")


async def test_thousands_of_offers_are_no_recursion(router: Served) -> None:
    offer = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    data = offer * 3_000 + post(path=b"/v1/none")
    answer = await exchanged(router, data, b" 404 ")
    assert answer.count(b" 200 ") == 3_000


async def test_a_client_that_leaves_amid_its_frames_leaves_no_word_in_the_log(
    router: Served,
) -> None:
    for _ in range(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", router.port)
        writer.write(handshake() + frame(TEXT, CREATE) * 200)
        await reader.readuntil(b"response.created")
        writer.transport.abort()
    async with asyncio.timeout(60):
        while router.router.sessions.open:
            await asyncio.sleep(0.01)
