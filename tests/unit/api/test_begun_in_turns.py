"""Many connections that ask at once, and what costs much at first, hold nobody up."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import urllib.request
from functools import partial

from support.config import mock_manifest
from support.in_loop import served
from support.loop_watch import loop_watched

AT_ONCE = 200
FEW = 0.15
"""Share of the work that some of the requests are."""
FOLLOW = b"GET /vhealth/events HTTP/1.1\r\nhost: x\r\n\r\n"


def opened(port: int, sockets: contextlib.ExitStack) -> list[socket.socket]:
    """Open connections."""
    connect = partial(socket.create_connection, ("127.0.0.1", port), 60)
    return [sockets.enter_context(connect()) for _ in range(AT_ONCE)]


def answers(asking: list[socket.socket]) -> set[bytes]:
    """Return how the answers begin."""
    return {each.recv(12) for each in asking}


async def test_people_who_open_the_page_at_once_are_served_one_by_one() -> None:
    async with served(mock_manifest("m")) as router:
        with contextlib.ExitStack() as sockets:
            asking = await asyncio.to_thread(opened, router.port, sockets)
            for each in asking:  # while the loop stands still, so that all of it is there at once
                each.sendall(FOLLOW)
            async with loop_watched() as watch:
                got = await asyncio.to_thread(answers, asking)
        assert got == {b"HTTP/1.1 200", b"HTTP/1.1 503"}  # no more than 100 may look
    assert watch.share < FEW


def document(port: int) -> bytes:
    """Return the document of the API."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/openapi.json", timeout=180) as answer:
        found: bytes = answer.read()
    return found


async def test_the_first_reader_of_the_document_holds_nobody_up() -> None:
    async with served(mock_manifest("m")) as router:
        async with loop_watched() as watch:
            first = await asyncio.to_thread(document, router.port)
        assert await asyncio.to_thread(document, router.port) == first
    assert b'"/v1/responses"' in first
    assert watch.share < 2 * FEW
