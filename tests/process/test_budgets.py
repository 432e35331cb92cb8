"""A budget over four router processes that share a Redis, where any of them may be killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from support.config import manifest
from support.http_client import PATIENCE, http_client
from support.redis_server import RedisServer, redis_server
from support.router import RouterProcess, router_process

USD = 10
PRICE_OF_A_TOKEN = 0.0001
CHUNK = 256 * PRICE_OF_A_TOKEN
STREAM = {
    "model": "m",
    "messages": [{"role": "user", "content": "Hello!"}],
    "stream": True,
}
TEAM = {"authorization": "Bearer sk-team"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as running:
        yield running


@pytest.fixture
async def routers(tmp_path: Path, server: RedisServer) -> AsyncIterator[list[RouterProcess]]:
    """Four routers with one budget."""
    file = tmp_path / "router.yaml"
    budget = {"usd": f"{USD}.00", "period": "Total"}
    client = {"name": "team", "secretRef": {"name": "keys", "key": "team"}, "budget": budget}
    auth = {"masterKey": {"secretRef": {"name": "keys", "key": "master"}}, "clients": [client]}
    mock = {"reply": "tokens:3000", "tokensPerSecond": 400}
    price = {"output": f"{PRICE_OF_A_TOKEN * 1_000_000:.0f}"}
    text = manifest(
        [{"name": "mock", "type": "Mock", "mock": mock}],
        [{"name": "m", "backends": [{"credential": "mock", "price": price}]}],
        secrets={"team": "sk-team", "url": server.url},
        auth=auth,
        redis={"urlSecretRef": {"name": "keys", "key": "url"}},
    )
    file.write_text(text)
    async with contextlib.AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                router_process(tmp_path, "-f", str(file), AIROUTER_POD_NAME=name)
            )
            for name in ("one", "two", "three", "four")
        ]


class Spender:
    """A client of all routers, and the tokens that it got: four bytes of text for each."""

    def __init__(self, http: httpx.AsyncClient, routers: list[RouterProcess]) -> None:
        self._http = http
        self.routers = routers
        self.text = 0
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
                        self.text += len(choice["delta"].get("content") or "")
                        self.cut += choice["finish_reason"] == "length"
        return 200

    @property
    def usd(self) -> float:
        """What it has got is worth."""
        return self.text / 4 * PRICE_OF_A_TOKEN


async def used(http: httpx.AsyncClient, router: RouterProcess) -> float:
    """What a router says is spent."""
    answer = await http.get(f"{router.base_url}/usage", headers=TEAM)
    (budget,) = answer.json()["budgets"]
    return float(budget["used_usd"])


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


async def test_a_router_and_a_redis_that_are_killed_never_make_a_budget_count_too_little(
    routers: list[RouterProcess], server: RedisServer
) -> None:
    async with http_client() as http:
        spender = Spender(http, routers)
        await until_granted(spender, http)
        running = [asyncio.ensure_future(spender.stream(number)) for number in range(20)]
        async with asyncio.timeout(PATIENCE):
            while spender.usd < 0.1 * USD:
                await asyncio.sleep(0.05)
        routers[1].signal(signal.SIGKILL)
        server.stop()
        server.start()
        await asyncio.gather(*running)
        async with asyncio.timeout(PATIENCE):
            while await used(http, routers[0]) < spender.usd - 0.01:
                await asyncio.sleep(0.5)
