"""Connections are accepted many at a time: those of one client are no queue for another's."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from support.config import mock_manifest
from support.in_loop import served

MANY = 320
AT_ONCE = 10
"""At least, of those that wait, in one pass of the loop."""


async def test_connections_that_wait_are_accepted_many_in_a_pass_of_the_loop() -> None:
    async with served(mock_manifest()) as router:
        with contextlib.ExitStack() as stack:
            for _ in range(MANY):  # the loop stands still meanwhile
                stack.enter_context(socket.create_connection(("127.0.0.1", router.port), 30))
            passes = 0
            async with asyncio.timeout(60):
                while router.router.connections() < MANY:
                    await asyncio.sleep(0)
                    passes += 1
        assert passes <= MANY / AT_ONCE
