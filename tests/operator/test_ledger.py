"""Limits over router processes that share the ledger of an operator on a real API server."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx

from airouter_operator.delivering.ledger_store import LEDGER_SECRET_TYPE, MEMORY_FILE
from support.config import MASTER_KEY
from support.control_plane import ControlPlane, OperatorProcess
from support.http_client import http_client
from support.resources import routerconfig, secret
from support.router import RouterProcess

RPM = 20
KEY = "sk-team-secret"
PATIENCE = 300.0
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello!"}]}
NEW_LEADER = 12.0
"""Seconds after which a ledger that did not know of the one before would long have granted."""


class Client:
    """A client of two routers, and when it sent and got back what was let through."""

    def __init__(self, http: httpx.AsyncClient, routers: list[RouterProcess]) -> None:
        self.routers = routers
        self._http = http
        self.sent: list[float] = []
        self.answered: list[float] = []

    async def ask(self, router: RouterProcess) -> None:
        """A request, which is let through or gets a 429."""
        sent = time.monotonic()
        headers = {"authorization": f"Bearer {KEY}"}
        url = f"{router.base_url}/chat/completions"
        status = (await self._http.post(url, json=CHAT, headers=headers)).status_code
        assert status in {200, 429}
        if status == 200:
            self.sent.append(sent)
            self.answered.append(time.monotonic())

    async def ask_all(self) -> None:
        """A request at each router."""
        await asyncio.gather(*map(self.ask, self.routers))
        await asyncio.sleep(0.05)

    async def use_up(self) -> None:
        """Ask until all of a minute's requests are used: a ledger settles first."""
        while len(self.sent) < RPM:
            await self.ask_all()

    async def ask_for(self, seconds: float) -> None:
        """Go on asking."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await self.ask_all()

    def assert_never_over(self) -> None:
        """No sixty seconds had more than the limit."""
        for first, later in zip(self.sent, self.answered[RPM:], strict=False):
            assert later - first >= 60


async def apply(plane: ControlPlane, **team: Any) -> None:
    """Declare a client, and a model whose answers cost a cent."""
    mock = {"name": "mock", "type": "Mock", "mock": {"reply": "tokens:100"}}
    config = routerconfig(
        mock,
        models={"m": "mock"},
        auth={
            "masterKey": {"secretRef": {"name": "keys", "key": "master"}},
            "clients": [{"name": "team", "secretRef": {"name": "keys", "key": "team"}, **team}],
        },
    )
    config["spec"]["models"][0]["backends"][0]["price"] = {"output": "100"}
    await plane.apply(config, secret("keys", master=MASTER_KEY, team=KEY))


@contextlib.asynccontextmanager
async def client_of_two_routers(plane: ControlPlane) -> AsyncIterator[Client]:
    """A client with a limit, once both routers serve it."""
    await apply(plane, limits={"rpm": RPM})
    async with (
        plane.router("pod-0") as one,
        plane.router("pod-1") as two,
        http_client() as http,
        asyncio.timeout(PATIENCE),
    ):
        yield Client(http, [one, two])


async def until_connected(router: RouterProcess) -> None:
    """Wait until a router reaches the ledger, as it does not while its machine is slow."""
    ledger = {"connected": True, "share_in_force": None}
    while (await router.health())["ledger"] != ledger:
        await asyncio.sleep(0.05)


async def until_leading(operator: OperatorProcess) -> None:
    """Wait until an operator leads."""
    while await operator.metric("leading") != 1:
        await asyncio.sleep(0.05)


async def test_two_routers_let_through_together_what_one_may(plane: ControlPlane) -> None:
    async with plane.operator() as operator, client_of_two_routers(plane) as client:
        await client.use_up()
        await client.ask_for(3)
        client.assert_never_over()
        for router in client.routers:
            await until_connected(router)
        assert await operator.metric("ledger_messages_total") > 0
        await operator.kill()
        for router in client.routers:
            await router.until_logged("the ledger of limits does not answer")
            assert await router.metric("airouter_ledger_connected") == 0
        await client.ask_for(1)
        client.assert_never_over()


async def test_the_next_leader_after_one_that_died_lets_nothing_more_through(
    plane: ControlPlane,
) -> None:
    async with plane.operator() as first, client_of_two_routers(plane) as client:
        await client.use_up()
        await first.kill()
        async with plane.operator() as second:
            await until_leading(second)
            await asyncio.gather(*map(until_connected, client.routers))
            await client.ask_for(NEW_LEADER)
            client.assert_never_over()


async def test_the_next_leader_after_one_that_ended_in_order_goes_on_with_what_it_knew(
    plane: ControlPlane,
) -> None:
    async with plane.operator() as first, client_of_two_routers(plane) as client:
        while len(client.sent) < RPM // 2:
            await client.ask_all()
        await first.stop()
        left = await plane.secret("default-ledger")
        assert left["type"] == LEDGER_SECRET_TYPE
        assert MEMORY_FILE in left["data"]
        async with plane.operator() as second:
            await until_leading(second)
            await asyncio.gather(*map(until_connected, client.routers))
            assert not (await plane.secret("default-ledger")).get("data")
            await client.use_up()
            await client.ask_for(3)
            client.assert_never_over()
        await plane.kubectl("delete", "rcfg", "default")
        await plane.until_secret_is_gone("default-ledger")


async def test_an_operator_that_pauses_is_missed_and_lets_nothing_more_through(
    plane: ControlPlane,
) -> None:
    async with plane.operator() as operator, client_of_two_routers(plane) as client:
        await client.use_up()
        operator.process.send_signal(signal.SIGSTOP)
        try:
            for router in client.routers:
                await router.until_logged("the ledger of limits does not answer")
            await client.ask_all()
        finally:
            operator.process.send_signal(signal.SIGCONT)
        await asyncio.gather(*map(until_connected, client.routers))
        await client.ask_for(3)
        client.assert_never_over()


async def refusal(http: httpx.AsyncClient, router: RouterProcess) -> str | None:
    """Why a request is refused; None where it is answered."""
    headers = {"authorization": f"Bearer {KEY}"}
    body = {**CHAT, "max_tokens": 100}
    answer = await http.post(f"{router.base_url}/chat/completions", json=body, headers=headers)
    if answer.status_code == 200:
        return None
    assert answer.status_code == 429
    code: str = answer.json()["error"]["code"]
    return code


async def test_a_budget_that_is_spent_is_spent_when_all_that_knew_of_it_died(
    plane: ControlPlane,
) -> None:
    await apply(plane, budget={"usd": "0.10", "period": "Total"})
    async with http_client() as http, asyncio.timeout(PATIENCE):
        answered = 0
        async with plane.operator() as first, plane.router("pod-0") as router:
            while (why := await refusal(http, router)) != "insufficient_quota" or not answered:
                answered += why is None
                await asyncio.sleep(0.05)
            await first.kill()
            await kill(router)
        assert 8 <= answered <= 10
        async with plane.operator(), plane.router("pod-1") as router:
            await until_connected(router)
            until = time.monotonic() + NEW_LEADER
            while time.monotonic() < until:
                why = await refusal(http, router)
                assert why is not None
                await asyncio.sleep(0.05)
            while await refusal(http, router) != "insufficient_quota":
                await asyncio.sleep(0.05)  # a ledger that is new settles first


async def kill(router: RouterProcess) -> None:
    """End a router without a word."""
    router.signal(signal.SIGKILL)
    await router.wait()
