"""Hundreds of requests at once: they are begun in parts, and no client's wait for another's."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from functools import partial

from airouter.interfaces import Exchange
from support.config import MASTER_KEY, mock_manifest
from support.edge_server import EdgeServer, edge_server
from support.in_loop import served
from unit.edge.script import Script, echo, post, until

CROWD = 200
TAKES = 0.001
"""Seconds of the event loop that each request takes at least."""
FEW = 100
"""Of the crowd; a tenth of them are begun in the time of one pass."""


class Busy(Script):
    """A pipeline that takes its time, and counts what each pass of the event loop begins."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = self.work
        self.passes = [0]

    def work(self, exchange: Exchange) -> None:
        time.sleep(TAKES)
        self.passes[-1] += 1
        echo(exchange)

    async def count(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.passes.append(0)


async def connected(server: EdgeServer, sockets: contextlib.ExitStack) -> list[socket.socket]:
    """Open a connection for each of the crowd, and one more."""
    connect = partial(socket.create_connection, ("127.0.0.1", server.port), 60)

    def opened() -> list[socket.socket]:
        return [sockets.enter_context(connect()) for _ in range(CROWD + 1)]

    opening = await asyncio.to_thread(opened)
    await until(lambda: len(server.state.connections) == len(opening))
    return opening


def ask(crowd: list[socket.socket], other: socket.socket) -> None:
    """Have one client ask over all of its connections, and then another over its own."""
    for number, each in enumerate(crowd):
        each.sendall(post(b"crowd %d" % number, b"Authorization: crowd"))
    other.sendall(post(b"other", b"Authorization: other"))


async def test_a_client_is_not_behind_hundreds_of_requests_of_another() -> None:
    script = Busy()
    with contextlib.ExitStack() as sockets:
        async with edge_server(script.serve, max_connections=1_000) as server:
            *crowd, other = await connected(server, sockets)
            ask(crowd, other)  # while the loop stands still, so that all of it is there at once
            await until(lambda: len(script.bodies) == CROWD + 1)
    assert script.bodies.index(b"other") < FEW
    assert len(set(script.bodies)) == CROWD + 1


async def test_what_is_asked_at_once_is_begun_in_parts() -> None:
    script = Busy()
    with contextlib.ExitStack() as sockets:
        async with edge_server(script.serve, max_connections=1_000) as server:
            *crowd, other = await connected(server, sockets)
            counting = asyncio.create_task(script.count())
            ask(crowd, other)
            await until(lambda: sum(script.passes) == CROWD + 1)
            counting.cancel()
    assert max(script.passes) < FEW


async def test_who_leaves_before_its_turn_is_not_served() -> None:
    script = Busy()
    with contextlib.ExitStack() as sockets:
        async with edge_server(script.serve, max_connections=1_000) as server:
            *crowd, other = await connected(server, sockets)
            ask(crowd, other)
            crowd[-1].close()
            await until(lambda: len(server.state.connections) == CROWD)
            await until(lambda: len(script.bodies) >= CROWD)
            other.sendall(post(b"afterwards"))
            await until(lambda: b"afterwards" in script.bodies)
    assert b"crowd %d" % (CROWD - 1) not in script.bodies


async def test_all_keys_that_are_wrong_are_one_client() -> None:
    async with served(mock_manifest("m")) as running:
        keys = (b"sk-made-up", b"sk-another", MASTER_KEY.encode())
        wrong, another, right = (
            running.router.admission.client_of([(b"x-api-key", key)]) for key in keys
        )
    assert wrong == another != right
