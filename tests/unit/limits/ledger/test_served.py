"""Limits that two routers share, as clients meet them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from support.config import manifest
from support.in_loop import Served, served
from support.redis_server import RedisServer, redis_server

PATIENCE = 60.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as running:
        yield running


def a_manifest(server: RedisServer, allowed: dict[str, int], **model: Any) -> str:
    """A model with two accounts, the first of which has limits."""
    credentials = [
        {"name": "limited", "type": "Mock", "priority": 0, "limits": allowed},
        {"name": "free", "type": "Mock", "priority": 1},
    ]
    backends = [{"credential": each["name"]} for each in credentials]
    return manifest(
        credentials,
        [{"name": "m", "backends": backends, **model}],
        secrets={"url": server.url},
        redis={"urlSecretRef": {"name": "keys", "key": "url"}},
    )


async def asked_at(router: Served) -> str:
    """The account that answers."""
    return str((await router.chat()).headers["x-airouter-backend"])


async def test_an_account_gets_no_more_of_two_routers_than_it_allows(server: RedisServer) -> None:
    text = a_manifest(server, {"rpm": 3})
    async with AsyncExitStack() as stack, asyncio.timeout(PATIENCE):
        routers = [await stack.enter_async_context(served(text, pod_name=name)) for name in "ab"]
        asked: list[str] = []
        while asked.count("limited/m") < 3:  # the ledger settles first
            asked += [await asked_at(router) for router in routers]
        assert [await asked_at(router) for router in routers * 3] == ["free/m"] * 6


async def test_a_model_is_refused_until_the_ledger_has_settled_and_then_answered(
    server: RedisServer,
) -> None:
    text = a_manifest(server, {"rpm": 1_000}, limits={"maxConcurrent": 2})
    async with served(text, pod_name="a") as router, asyncio.timeout(PATIENCE):
        refused = await router.chat()
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 6
        while (await router.chat()).status_code != 200:
            await asyncio.sleep(0.05)
        health = await router.client.get("/health")
        assert json.loads(health.text)["ledger"] == {"connected": True, "share_in_force": None}
