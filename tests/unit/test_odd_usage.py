"""Usage that a provider does not tell, or that cannot be: it costs what was reserved."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest

from airouter.bookkeeping.window import step_of
from support.chat_provider import ANSWER, DONE, HI, answer, chunked, credential, event, http
from support.chat_provider import END as LAST_PIECE
from support.config import manifest
from support.in_loop import Served, served
from support.raw_upstream import RawUpstream

TEAM = {"authorization": "Bearer sk-team"}
END = event(choices=[{"delta": {}, "finish_reason": "stop"}])
DOLLARS = {"input": "1000000", "output": "2000000"}
"""A dollar for a token in, two for one out."""
RESERVED = 28.0, 23
"""Dollars and tokens for the chat: 18 tokens in, 5 out at most."""


@contextlib.asynccontextmanager
async def limited(upstream: RawUpstream, folder: Path, **spec: Any) -> AsyncIterator[Served]:
    """A router whose team has a budget and a limit of tokens."""
    team = {
        "name": "team",
        "secretRef": {"name": "keys", "key": "team"},
        "budget": {"usd": "1000", "period": "Total"},
        "limits": {"tpm": 1000},
    }
    auth = {"masterKey": {"secretRef": {"name": "keys", "key": "master"}}, "clients": [team]}
    models = [{"name": "m", "backends": [{"credential": "c", "price": DOLLARS}]}]
    secrets = {"team": "sk-team", "upstream": "k"}
    text = manifest([credential("c", upstream)], models, secrets=secrets, auth=auth, **spec)
    async with served(text, ledger_file=folder / "ledger.sqlite") as router:
        yield router


async def chat(router: Served, upstream: RawUpstream, data: bytes, **fields: Any) -> httpx.Response:
    """A chat that the provider answers like this."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5}
    asking = asyncio.create_task(
        router.client.post("/v1/chat/completions", json=body | fields, headers=TEAM)
    )
    conversation, _ = await answer(upstream, data)
    answered = await asking
    conversation.hang_up()
    return answered


async def used(router: Served) -> tuple[float, int]:
    """Dollars and tokens that the team has used, once it has nothing under way."""
    async with asyncio.timeout(60):
        while True:
            told = (await router.client.get("/v1/usage", headers=TEAM)).json()
            (budget,) = told["budgets"]
            if budget["reserved_usd"] == "0":
                break
            await asyncio.sleep(0.01)
    tokens = told["limits"][0]["tokens"]
    return float(budget["used_usd"]), tokens["limit"] - tokens["remaining"]


def counted(**usage: Any) -> bytes:
    """An answer with such a usage."""
    return http(200, ANSWER | {"usage": {"prompt_tokens": 3, "completion_tokens": 2} | usage})


@pytest.mark.parametrize(
    "odd",
    [
        {"completion_tokens": 10**30},
        {"completion_tokens": 2**63},
        {"prompt_tokens": 10**12},
        {"prompt_tokens": -50_000},
        {"completion_tokens": -1},
    ],
    ids=json.dumps,
)
async def test_numbers_that_cannot_be_cost_what_was_reserved_and_stop_nothing(
    first: RawUpstream, tmp_path: Path, odd: dict[str, int]
) -> None:
    async with limited(first, tmp_path) as router:
        assert (await chat(router, first, counted(**odd))).status_code == 200
        assert await used(router) == RESERVED
        assert (await chat(router, first, counted())).status_code == 200
        dollars, tokens = await used(router)
        assert (dollars, tokens) == (RESERVED[0] + 7, RESERVED[1] + 5)


async def test_details_that_cannot_be_are_left_out(first: RawUpstream, tmp_path: Path) -> None:
    odd = {"prompt_tokens_details": {"cached_tokens": 10**30, "audio_tokens": -1}}
    async with limited(first, tmp_path) as router:
        assert (await chat(router, first, counted(**odd))).status_code == 200
        assert await used(router) == (7.0, 5)


async def test_an_answer_whose_usage_nobody_tells_costs_limits_what_was_reserved(
    first: RawUpstream, tmp_path: Path
) -> None:
    async with limited(first, tmp_path) as router:
        untold = http(200, {name: each for name, each in ANSWER.items() if name != "usage"})
        assert (await chat(router, first, untold)).status_code == 200
        assert await used(router) == RESERVED


async def test_a_stream_whose_usage_nobody_tells_costs_limits_what_was_reserved(
    first: RawUpstream, tmp_path: Path
) -> None:
    async with limited(first, tmp_path) as router:
        untold = chunked(HI, END, DONE) + LAST_PIECE
        assert (await chat(router, first, untold, stream=True)).status_code == 200
        dollars, tokens = await used(router)
        assert dollars >= RESERVED[0]  # and as much as the stream reserved as it went
        assert tokens >= RESERVED[1]


@pytest.mark.parametrize(
    "refusal",
    [http(400, {"error": {"message": "no"}}), chunked(event(error={"message": "no"})) + LAST_PIECE],
    ids=["by its status", "inside a stream"],
)
async def test_a_stream_that_had_signs_of_life_and_no_answer_costs_nothing(
    first: RawUpstream, tmp_path: Path, refusal: bytes
) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    resilience = {"heartbeat": "50ms", "retries": {"attempts": 0}}
    async with (
        limited(first, tmp_path, resilience=resilience) as router,
        router.client.stream("POST", "/v1/chat/completions", json=body, headers=TEAM) as response,
    ):
        assert response.status_code == 200  # so a heartbeat has come
        conversation, _ = await answer(first, refusal)
        assert b'"error"' in await response.aread()
        conversation.hang_up()
        assert await used(router) == (0.0, 0)


async def test_to_count_tokens_is_free_though_a_budget_be_spent(tmp_path: Path) -> None:
    team = {
        "name": "team",
        "secretRef": {"name": "keys", "key": "team"},
        "budget": {"usd": "1", "period": "Total"},
    }
    auth = {"masterKey": {"secretRef": {"name": "keys", "key": "master"}}, "clients": [team]}
    models = [{"name": "m", "backends": [{"credential": "mock", "price": DOLLARS}]}]
    mock = {"name": "mock", "type": "Mock"}
    text = manifest([mock], models, secrets={"team": "sk-team"}, auth=auth)
    hello = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    async with served(text, ledger_file=tmp_path / "ledger.sqlite") as router:
        for _ in range(2):
            path = "/v1/messages/count_tokens"
            counting = await router.client.post(path, json=hello, headers=TEAM)
            assert counting.status_code == 200, counting.text
        told = (await router.client.get("/v1/usage", headers=TEAM)).json()
        assert told["budgets"][0]["used_usd"] == "0"
        chat = hello | {"max_tokens": 5}
        refused = await router.client.post("/v1/messages", json=chat, headers=TEAM)
        assert refused.status_code == 429


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_backend_whose_answer_came_too_late_is_charged_for_no_tokens(
    first: RawUpstream, second: RawUpstream, *, streamed: bool
) -> None:
    accounts = [
        credential(name, upstream, priority=at, limits={"tpm": 1000})
        for at, (name, upstream) in enumerate({"slow": first, "quick": second}.items())
    ]
    models = [{"name": "m", "backends": [{"credential": each["name"]} for each in accounts]}]
    hedge = {"after": "100ms", "percent": 100}
    text = manifest(accounts, models, secrets={"upstream": "k"}, resilience={"hedge": hedge})
    whole = chunked(HI, END, DONE) + LAST_PIECE if streamed else http(200, ANSWER)
    async with served(text) as router:
        asking = asyncio.create_task(router.chat(stream=streamed))
        late = await first.accept()
        conversation, _ = await answer(second, whole)
        assert (await asking).status_code == 200
        slow = router.router.limits_of("credential", "slow")
        assert slow is not None
        assert slow.tokens is not None
        async with asyncio.timeout(60):
            while router.router.in_flight()["slow"]:
                await asyncio.sleep(0.01)
        assert slow.tokens.room(step_of(monotonic())) == 1000
        late.hang_up()
        conversation.hang_up()
