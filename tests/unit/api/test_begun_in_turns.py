"""Many connections that ask at once hold nobody up."""

from __future__ import annotations

import asyncio
import contextlib
import socket
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
