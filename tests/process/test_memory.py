"""Requests that fail for long: what they sent is gone when they are answered."""

from __future__ import annotations

import asyncio
from pathlib import Path

from support.failing_provider import ask, router_without_provider

REQUESTS, CLIENTS = 200, 4
GROWTH = 48 * 1_048_576
"""A quarter of what the requests send."""


async def test_memory_is_flat_while_a_provider_is_down(tmp_path: Path) -> None:
    async with router_without_provider(tmp_path) as router, asyncio.timeout(120):
        await ask(router, 20)
        before = router.memory()
        async with asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(ask(router, REQUESTS // CLIENTS))
        assert router.memory() - before < GROWTH
