"""A budget over four router processes that share a Redis, where any of them may be killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from support.config import TEAM, pod_names, team_manifest
from support.http_client import PATIENCE, http_client
from support.redis_server import RedisServer
from support.router import RouterProcess, router_processes

USD = 10
PRICE_OF_A_TOKEN = 0.0001
CHUNK = 256 * PRICE_OF_A_TOKEN
STREAM = {
    "model": "m",
    "messages": [{"role": "user", "content": "Hello!"}],
    "stream": True,
}


@pytest.fixture
async def routers(tmp_path: Path, server: RedisServer) -> AsyncIterator[list[RouterProcess]]:
    """Four routers with one budget."""
    mock = {"reply": "tokens:3000", "tokensPerSecond": 400}
    credential = {"name": "mock", "type": "Mock", "mock": mock}
    price = {"output": f"{PRICE_OF_A_TOKEN * 1_000_000:.0f}"}
    budget = {"usd": f"{USD}.00", "period": "Total"}
    text = team_manifest(server.url, credential, {"price": price}, budget=budget)
    names = pod_names("one", "two", "three", "four")
    async with router_processes(tmp_path, text, *names) as running:
        yield running


class Spender:
    """A client of all routers, and what it got of them."""

    def __init__(self, http: httpx.AsyncClient, routers: list[RouterProcess]) -> None:
        self._http = http
        self.routers = routers
        self.text = self.words = 0
        self.cut = 0

    async def stream(self, number: int) -> int:
        """Read one stream, of whichever router; return its status."""
        router = self.routers[number % len(self.routers)]
        url = f"{router.base_url}/chat/completions"
        async with self._http.stream("POST", url, json=STREAM, headers=TEAM) as answer:
            if answer.status_code != 200:
                return answer.status_code
            with contextlib.suppress(httpx.HTTPError):
                async for line in answer.aiter_lines():
                    if line.startswith("data: {"):
                        (choice,) = json.loads(line.removeprefix("data: "))["choices"]
                        text = choice["delta"].get("content") or ""
                        self.text += len(text)
                        self.words += text.count("word")
                        self.cut += choice["finish_reason"] == "length"
        return 200

    @property
    def usd(self) -> float:
        """What it has got is worth while streams go on: four bytes for a token."""
        return self.text / 4 * PRICE_OF_A_TOKEN

    @property
    def owed(self) -> float:
        """The US dollars that it owes at least: a token for each word, as the provider counts."""
        return self.words * PRICE_OF_A_TOKEN


async def used(http: httpx.AsyncClient, router: RouterProcess) -> float:
    """What a router says is spent."""
    answer = await http.get(f"{router.base_url}/usage", headers=TEAM)
    (budget,) = answer.json()["budgets"]
    return float(budget["used_usd"])


async def counted(http: httpx.AsyncClient, routers: list[RouterProcess]) -> float:
    """What the ledger counts once all routers have told it what they know."""
    return [await used(http, router) for router in [*routers, routers[0]]][-1]


async def settled(http: httpx.AsyncClient, router: RouterProcess) -> float:
    """What the ledger says is spent, once no router has anything reserved."""
    async with asyncio.timeout(PATIENCE):
        before = -1.0
        while True:
            spent = await used(http, router)
            if spent == before:
                return spent
            before = spent
            await asyncio.sleep(2.5)  # two exchanges, in which leases are given back


async def until_granted(spender: Spender, http: httpx.AsyncClient) -> None:
    """Wait until the ledger, which is new, grants."""
    async with asyncio.timeout(PATIENCE):
        while await first_status(spender, http) != 200:
            await asyncio.sleep(0.1)


async def first_status(spender: Spender, http: httpx.AsyncClient) -> int:
    """The status of a request that is too short for a budget to notice it."""
    body = {**STREAM, "stream": False, "max_tokens": 1}
    url = f"{spender.routers[0].base_url}/chat/completions"
    return (await http.post(url, json=body, headers=TEAM)).status_code


async def test_fifty_streams_over_four_routers_spend_a_budget_and_no_more(
    routers: list[RouterProcess],
) -> None:
    async with http_client() as http:
        spender = Spender(http, routers)
        await until_granted(spender, http)
        statuses = await asyncio.gather(*(spender.stream(number) for number in range(50)))
        assert set(statuses) <= {200, 429}
        assert spender.cut > 0
        assert USD - 0.1 - len(routers) * CHUNK <= spender.usd <= USD + 50 * CHUNK
        assert await settled(http, routers[0]) >= spender.usd - 0.01
        assert await spender.stream(0) == 429


@pytest.mark.parametrize("server", [False, True], indirect=True)
async def test_a_router_and_a_redis_that_are_killed_never_make_a_budget_count_too_little(
    routers: list[RouterProcess], server: RedisServer
) -> None:
    async with http_client() as http:
        spender = Spender(http, routers)
        await until_granted(spender, http)
        await spender.stream(1)
        await counted(http, routers)  # a router that dies with the only ledger has to be known of
        living = [routers[0], *routers[2:]]
        survived = Spender(http, living)
        running = [asyncio.ensure_future(survived.stream(number)) for number in range(15)]
        async with asyncio.timeout(PATIENCE):
            while survived.usd < 0.1 * USD:
                await asyncio.sleep(0.05)
        routers[1].signal(signal.SIGKILL)
        server.stop()
        server.start()
        await asyncio.gather(*running)
        async with asyncio.timeout(PATIENCE):
            while await counted(http, living) < spender.owed + survived.owed:
                await asyncio.sleep(0.1)  # as one of them may not have reached the ledger yet
