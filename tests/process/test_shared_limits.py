"""Limits over router processes that share a Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from support.config import MOCK, TEAM, pod_names, team_manifest
from support.http_client import PATIENCE, http_client
from support.redis_server import PASSWORD, RedisServer
from support.router import RouterProcess, router_processes

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello!"}]}


@pytest.fixture
async def routers(tmp_path: Path, server: RedisServer) -> AsyncIterator[list[RouterProcess]]:
    """Two routers with one configuration."""
    text = team_manifest(server.url, MOCK, {}, limits={"rpm": 20})
    async with router_processes(tmp_path, text, *pod_names("one", "two")) as running:
        yield running


class Client:
    """A client, and when it sent and got back what was let through."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self.sent: list[float] = []
        self.answered: list[float] = []

    async def ask(self, router: RouterProcess) -> int:
        """The status of a request."""
        sent = time.monotonic()
        url = f"{router.base_url}/chat/completions"
        status = (await self._http.post(url, json=CHAT, headers=TEAM)).status_code
        if status == 200:
            self.sent.append(sent)
            self.answered.append(time.monotonic())
        return status


async def test_two_routers_let_through_together_what_one_may(
    routers: list[RouterProcess], server: RedisServer
) -> None:
    async with http_client() as http, asyncio.timeout(PATIENCE):
        client = Client(http)
        while len(client.sent) < 20:  # the ledger settles first; unused leases are given back
            assert {await client.ask(router) for router in routers} <= {200, 429}
            await asyncio.sleep(0.05)
        for _ in range(10):
            await asyncio.gather(*(client.ask(router) for router in routers))
        for first, later in zip(client.sent, client.answered[20:], strict=False):
            assert later - first >= 60
        ledger = {"connected": True, "share_in_force": None}
        while (await routers[0].health())["ledger"] != ledger:
            await asyncio.sleep(0.05)  # a slow machine may be late for an exchange or two
        server.stop()
        for router in routers:
            await router.until_logged("the ledger of limits does not answer")
            assert await router.metric("airouter_ledger_connected") == 0
            assert PASSWORD not in router.log
