"""The end of a server, which comes when it is told to, and not at the next look."""

from __future__ import annotations

import asyncio
import signal

import pytest

from airouter.server import lifecycle
from support.config import mock_manifest
from support.in_loop import served

PATIENCE = 60


async def test_a_router_ends_at_once_for_a_person_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lifecycle, "TICK", 10 * PATIENCE)
    async with (
        asyncio.timeout(PATIENCE),
        served(mock_manifest("m"), drain_grace=10.0 * PATIENCE) as router,
    ):
        server = router.router.server
        assert server is not None
        server.handle_exit(signal.SIGINT, None)
        while server.servers[0].sockets:
            await asyncio.sleep(0)


async def test_a_router_that_drains_ends_when_its_grace_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lifecycle, "TICK", 10 * PATIENCE)
    async with asyncio.timeout(PATIENCE), served(mock_manifest("m"), drain_grace=0.2) as router:
        server = router.router.server
        assert server is not None
        server.handle_exit(signal.SIGTERM, None)
        assert router.router.draining
        assert not server.should_exit
        while server.servers[0].sockets:
            await asyncio.sleep(0)
