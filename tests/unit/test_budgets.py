"""Budgets through a whole router: refused, ended inside a stream, told, and kept."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from airouter.api.usage import usage_of_all
from airouter.config.budget import PeriodBudget
from airouter.config.snapshot import Auth, ClientKey, Snapshot
from airouter.eventloop.parts import AT_ONCE
from airouter.limits.shared_limits import SharedLimits
from support.chat_provider import answer, chunked, credential, event
from support.config import manifest
from support.in_loop import Served, served
from support.raw_upstream import RawUpstream

CENT_A_TOKEN = {"output": "10000"}
FIVE = {"usd": "5", "period": "Month"}
TEAM = {"authorization": "Bearer sk-team"}
OTHER = {"authorization": "Bearer sk-other"}


def with_budget(budget: dict[str, Any] | None, reply: str = "tokens:100", **client: Any) -> str:
    """A model whose tokens out cost a cent each, for a team with a budget and for another."""
    keys = [
        {"name": name, "secretRef": {"name": "keys", "key": name}} for name in ("team", "other")
    ]
    keys[0] |= client | ({} if budget is None else {"budget": budget})
    auth = {"masterKey": {"secretRef": {"name": "keys", "key": "master"}}, "clients": keys}
    credential = {"name": "mock", "type": "Mock", "mock": {"reply": reply}}
    models = [{"name": "m", "backends": [{"credential": "mock", "price": CENT_A_TOKEN}]}]
    secrets = {"team": "sk-team", "other": "sk-other"}
    return manifest([credential], models, secrets=secrets, auth=auth)


@contextlib.asynccontextmanager
async def budgeted(
    folder: Path, budget: dict[str, Any] | None, reply: str = "tokens:100", **client: Any
) -> AsyncIterator[Served]:
    """A router that keeps what is spent in a folder."""
    text = with_budget(budget, reply, **client)
    async with served(text, ledger_file=folder / "ledger.sqlite") as router:
        yield router


async def ask(router: Served, key: dict[str, str] = TEAM, **fields: Any) -> httpx.Response:
    """A chat of at most a hundred tokens out."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 100}
    return await router.client.post("/v1/chat/completions", json=body | fields, headers=key)


async def spent_by(router: Served) -> str:
    """What the team has spent, as it is told itself, once it has nothing under way."""
    async with asyncio.timeout(60):
        while True:
            answer = await router.client.get("/v1/usage", headers=TEAM)
            (budget,) = answer.json()["budgets"]
            if budget["reserved_usd"] == "0":
                return str(budget["used_usd"])
            await asyncio.sleep(0.01)


async def test_a_client_whose_budget_is_spent_gets_a_429_and_others_do_not(tmp_path: Path) -> None:
    async with budgeted(tmp_path, FIVE) as router:
        answers = [(await ask(router)).status_code for _ in range(5)]
        assert answers == [200] * 5
        refused = await ask(router)
        assert refused.status_code == 429
        error = refused.json()["error"]
        assert error["code"] == "insufficient_quota"
        assert "client 'team'" in error["message"]
        assert 0 < int(refused.headers["retry-after"]) <= 31 * 86_400
        assert (await ask(router, OTHER)).status_code == 200


async def test_what_was_spent_outlives_the_router(tmp_path: Path) -> None:
    async with budgeted(tmp_path, FIVE) as router:
        assert (await ask(router)).status_code == 200
        assert await spent_by(router) == "1"
    async with budgeted(tmp_path, FIVE) as router:
        assert await spent_by(router) == "1"
        assert [(await ask(router)).status_code for _ in range(5)] == [200] * 4 + [429]


async def test_a_reload_keeps_what_was_spent_and_the_next_amount_counts(tmp_path: Path) -> None:
    async with budgeted(tmp_path, {"usd": "1", "period": "Total"}) as router:
        assert [(await ask(router)).status_code for _ in range(2)] == [200, 429]
        assert router.offer(with_budget({"usd": "2", "period": "Total"}))
        assert [(await ask(router)).status_code for _ in range(2)] == [200, 429]


async def test_a_budget_that_is_lowered_refuses_at_once_and_what_is_raised_lets_through_at_once(
    tmp_path: Path,
) -> None:
    async with budgeted(tmp_path, {"usd": "5", "period": "Total"}) as router:
        assert [(await ask(router)).status_code for _ in range(3)] == [200] * 3
        assert router.offer(with_budget({"usd": "2", "period": "Total"}))
        assert (await ask(router)).status_code == 429
        assert router.offer(with_budget({"usd": "4", "period": "Total"}))
        assert [(await ask(router)).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("other", [None, {"usd": "5", "period": "Day"}], ids=["none", "of days"])
async def test_a_budget_that_was_taken_away_for_a_while_knows_what_was_spent_of_it(
    tmp_path: Path, other: dict[str, Any] | None
) -> None:
    total = {"usd": "3", "period": "Total"}
    async with budgeted(tmp_path, total) as router:
        assert [(await ask(router)).status_code for _ in range(2)] == [200] * 2
        assert router.offer(with_budget(other))
        assert (await ask(router)).status_code == 200  # by a budget of its own, or by none
        assert router.offer(with_budget(total))
        assert [(await ask(router)).status_code for _ in range(2)] == [200, 429]


async def test_a_budget_that_warns_tells_by_a_header(tmp_path: Path) -> None:
    warns = {"usd": "1", "period": "Total", "onExhausted": "Warn"}
    async with budgeted(tmp_path, warns) as router:
        first = await ask(router)
        assert "x-airouter-budget" not in first.headers
        async with asyncio.timeout(60):
            while "x-airouter-budget" not in (answer := await ask(router)).headers:
                assert answer.status_code == 200
                await asyncio.sleep(0.05)
        assert answer.headers["x-airouter-budget"] == "spent"


MESSAGE = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5000}
STREAMS = [
    ("/v1/chat/completions", MESSAGE),
    ("/v1/chat/completions", MESSAGE | {"stream_options": {"include_usage": True}}),
    ("/v1/messages", MESSAGE),
    ("/v1/responses", {"model": "m", "input": "Hi", "store": False}),
]


async def streamed(router: Served, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of a stream."""
    async with router.client.stream("POST", path, json=body | {"stream": True}, headers=TEAM) as it:
        assert it.status_code == 200
        lines = [line async for line in it.aiter_lines()]
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: {")]
    return [json.loads(each) for each in data]


def ending_of(events: list[dict[str, Any]]) -> str | None:
    """Why a stream has ended, in the words of its API."""
    for each in reversed(events):
        if each.get("choices"):
            return str(each["choices"][0]["finish_reason"])
        if each.get("type") == "message_delta":
            return str(each["delta"]["stop_reason"])
        if each.get("type") in {"response.incomplete", "response.completed"}:
            return str((each["response"].get("incomplete_details") or {}).get("reason"))
    return None


@pytest.mark.parametrize(("path", "body"), STREAMS)
async def test_a_stream_ends_as_if_it_had_reached_its_length_where_nothing_is_left(
    path: str, body: dict[str, Any], tmp_path: Path
) -> None:
    async with budgeted(tmp_path, FIVE, "tokens:3000") as router:
        events = await streamed(router, path, body)
        assert ending_of(events) in {"length", "max_tokens", "max_output_tokens"}
        assert 4 <= float(await spent_by(router)) <= 5 + 2.56
        page = (await router.client.get("/metrics")).text
        assert 'airouter_budget_stops_total{client="team",model="m"} 1.0' in page
        assert (await ask(router)).status_code == 429


@pytest.mark.parametrize(("path", "body"), STREAMS)
async def test_a_stream_goes_on_as_debt_where_that_is_allowed(
    path: str, body: dict[str, Any], tmp_path: Path
) -> None:
    async with budgeted(tmp_path, FIVE | {"overrun": "Allow"}, "tokens:3000") as router:
        events = await streamed(router, path, body)
        assert ending_of(events) not in {"length", "max_tokens", "max_output_tokens"}
        assert float(await spent_by(router)) == pytest.approx(30, rel=0.1)
        assert (await ask(router)).status_code == 429


async def test_a_client_that_leaves_a_stream_pays_for_what_it_got(tmp_path: Path) -> None:
    async with budgeted(tmp_path, {"usd": "50", "period": "Week"}, "tokens:3000") as router:
        body = MESSAGE | {"stream": True}
        path = "/v1/chat/completions"
        async with router.client.stream("POST", path, json=body, headers=TEAM) as answer:
            async for line in answer.aiter_lines():
                if "word9" in line:
                    break
        assert 0.05 <= float(await spent_by(router)) <= 30


async def test_a_client_is_told_its_own_numbers_alone(tmp_path: Path) -> None:
    async with budgeted(tmp_path, FIVE, limits={"rpm": 10, "tpm": 10_000}) as router:
        assert (await ask(router)).status_code == 200
        assert await spent_by(router) == "1"
        told = (await router.client.get("/v1/usage", headers=TEAM)).json()
        (budget,), (limits,) = told["budgets"], told["limits"]
        assert (budget["limit_usd"], budget["remaining_usd"]) == ("5", "4")
        assert budget["resets_at"].endswith("T00:00:00Z")
        assert (limits["requests"]["used"], limits["requests"]["remaining"]) == (1, 9)
        assert limits["tokens"]["used"] > 100
        others = (await router.client.get("/v1/usage", headers=OTHER)).json()
        assert (others["client"], others["budgets"], others["limits"]) == ("other", [], [])
        spying = await router.client.get("/v1/usage?client=team", headers=OTHER)
        assert spying.status_code == 403


async def test_a_client_is_told_of_its_limits_for_some_models_by_their_names(
    tmp_path: Path,
) -> None:
    some = [{"models": "m*", "limits": {"rpm": 2}}]
    async with budgeted(tmp_path, None, limits={"rpm": 10}, modelLimits=some) as router:
        assert (await ask(router)).status_code == 200
        told = (await router.client.get("/v1/usage", headers=TEAM)).json()["limits"]
        assert [(each["scope"], each["name"], each["requests"]["remaining"]) for each in told] == [
            ("client", "team", 9),
            ("client x model", "team/m*", 1),
        ]


async def test_the_master_key_is_told_of_all_clients_or_of_one(tmp_path: Path) -> None:
    async with budgeted(tmp_path, FIVE) as router:
        assert (await ask(router)).status_code == 200
        everybody = (await router.client.get("/v1/usage")).json()["data"]
        assert [each["client"] for each in everybody] == ["team", "other"]
        one = (await router.client.get("/v1/usage?client=team")).json()
        assert one["budgets"][0]["limit_usd"] == "5"
        assert (await router.client.get("/v1/usage?client=nobody")).status_code == 404


async def test_a_group_s_budget_binds_its_clients_together_and_tells_none_what_others_spend(
    tmp_path: Path,
) -> None:
    text = with_budget(None, groups=["all"]).replace(
        '"clients"', '"groups": [{"name": "all", "limits": {}, "budget": '
        '{"usd": "2", "period": "Month"}}], "clients"', 1
    ).replace('"name": "other"', '"name": "other", "groups": ["all"]', 1)  # fmt: skip
    async with served(text, ledger_file=tmp_path / "ledger.sqlite") as router:
        assert (await ask(router, TEAM)).status_code == 200
        assert (await ask(router, OTHER)).status_code == 200
        refused = await ask(router, TEAM)
        assert refused.status_code == 429
        assert "group 'all'" in refused.json()["error"]["message"]
        (budget,) = (await router.client.get("/v1/usage", headers=TEAM)).json()["budgets"]
        assert budget["limit_usd"] == "2"
        assert "used_usd" not in budget


async def test_what_is_reserved_without_a_ceiling_is_learnt_of_the_answers_before(
    tmp_path: Path,
) -> None:
    async with budgeted(tmp_path, {"usd": "2.60", "period": "Total"}, "tokens:20") as router:
        answers = [await ask(router, max_tokens=None) for _ in range(5)]
        assert [each.status_code for each in answers] == [200] * 5  # of 256 tokens it would be two


async def test_the_master_key_is_told_of_many_clients_while_others_are_answered(
    tmp_path: Path,
) -> None:
    clients = tuple(
        ClientKey(f"c{n}", "00" * 32, budgets=(PeriodBudget("5", "Day"),)) for n in range(500)
    )
    limits = SharedLimits("pod", tmp_path / "ledger.sqlite")
    limits.reload(Snapshot(auth=Auth(clients=clients)))
    turns = 0
    telling = asyncio.create_task(usage_of_all(limits))
    async with asyncio.timeout(60):
        while not telling.done():
            turns += 1
            await asyncio.sleep(0)
    told = json.loads(await telling)["data"]
    assert [each["client"] for each in told] == [f"c{n}" for n in range(500)]
    assert turns >= 2 * 500 / AT_ONCE
    await limits.close()


def with_dear_fallback(budget: dict[str, Any]) -> str:
    """A model of a backend that fails, and a fallback whose tokens out cost a cent each."""
    text = with_budget(budget)
    config, secrets = text.split("\n---\n")
    resource = json.loads(config)
    spec = resource["spec"]
    spec["credentials"] = [
        {"name": "down", "type": "Mock", "mock": {"errorPercent": 100, "errorStatus": 503}},
        {"name": "dear", "type": "Mock", "mock": {"reply": "tokens:100", "latency": "200ms"}},
    ]
    cheap, dear = {"output": "1"}, CENT_A_TOKEN
    spec["models"] = [
        {"name": "m", "backends": [{"credential": "down", "price": cheap}], "fallbacks": ["d"]},
        {"name": "d", "backends": [{"credential": "dear", "price": dear}]},
    ]
    spec["resilience"] = {"retries": {"attempts": 0}}
    return f"{json.dumps(resource)}\n---\n{secrets}"


async def test_a_budget_is_not_raced_past_by_fallbacks_that_are_dearer(tmp_path: Path) -> None:
    text = with_dear_fallback(FIVE)
    async with served(text, ledger_file=tmp_path / "ledger.sqlite") as router:
        answers = await asyncio.gather(*[ask(router) for _ in range(12)])
        codes = [each.status_code for each in answers]
        assert set(codes) == {200, 503}
        assert 4 <= codes.count(200) <= 5
        assert await spent_by(router) == str(codes.count(200))


async def test_a_stream_that_another_backend_goes_on_with_pays_for_all_that_came_before(
    first: RawUpstream, second: RawUpstream, tmp_path: Path
) -> None:
    config, secrets = with_budget(FIVE).replace("sk-other", "k").split("\n---\n")
    resource = json.loads(config)
    resource["spec"] |= {
        "credentials": [
            credential("c0", first, secretRef={"name": "keys", "key": "other"}),
            credential("c1", second, secretRef={"name": "keys", "key": "other"}, priority=1),
        ],
        "resilience": {"onBrokenStream": "Continue", "retries": {"attempts": 0}},
    }
    cent = {"credential": "c0", "price": CENT_A_TOKEN}
    resource["spec"]["models"] = [{"name": "m", "backends": [cent, cent | {"credential": "c1"}]}]
    said = event(choices=[{"index": 0, "delta": {"content": "abcd" * 50}, "finish_reason": None}])
    text = f"{json.dumps(resource)}\n---\n{secrets}"
    async with served(text, ledger_file=tmp_path / "ledger.sqlite") as router:
        asking = asyncio.create_task(streamed(router, "/v1/chat/completions", MESSAGE))
        conversation, _ = await answer(first, chunked(said * 8))  # 400 tokens, of 500
        conversation.hang_up()
        going_on, _ = await answer(second, chunked(said))
        while not asking.done():
            with contextlib.suppress(ConnectionError):
                await going_on.say(b"%x\r\n%b\r\n" % (len(said), said))
            await asyncio.sleep(0.01)
        assert ending_of(await asking) == "length"
        assert 4 <= float(await spent_by(router)) <= 5 + 2.56


async def test_images_are_reserved_by_their_number(first: RawUpstream, tmp_path: Path) -> None:
    config, secrets = with_budget(FIVE).replace("sk-other", "k").split("\n---\n")
    resource = json.loads(config)
    key = {"name": "keys", "key": "other"}
    resource["spec"]["credentials"] = [credential("c0", first, api=["images"], secretRef=key)]
    backend = {"credential": "c0", "price": {"image": "1"}}
    resource["spec"]["models"] = [{"name": "m", "backends": [backend]}]
    text = f"{json.dumps(resource)}\n---\n{secrets}"
    async with served(text, ledger_file=tmp_path / "ledger.sqlite") as router:

        async def draw(n: int) -> httpx.Response:
            request = {"model": "m", "prompt": "A cat.", "n": n}
            return await router.client.post("/v1/images/generations", json=request, headers=TEAM)

        assert (await draw(6)).json()["error"]["code"] == "insufficient_quota"
        asking = asyncio.create_task(draw(3))
        await first.accept()
        assert (await draw(3)).status_code == 429
        asking.cancel()


async def test_a_history_is_reserved_for_as_what_is_new(tmp_path: Path) -> None:
    config, secrets = with_budget(FIVE).split("\n---\n")
    resource = json.loads(config)
    resource["spec"]["credentials"][0]["mock"] = {"reply": "text:Yes", "latency": "200ms"}
    resource["spec"]["models"][0]["backends"][0]["price"] = {"input": "10000"}
    text = f"{json.dumps(resource)}\n---\n{secrets}"
    async with served(text, ledger_file=tmp_path / "ledger.sqlite") as router:

        async def say(**fields: str) -> httpx.Response:
            body = {"model": "m", "max_output_tokens": 10, **fields}
            return await router.client.post("/v1/responses", json=body, headers=TEAM)

        first = (await say(input="word " * 100)).json()["id"]
        asked = [say(input="more", previous_response_id=first) for _ in range(10)]
        answers = [each.status_code for each in await asyncio.gather(*asked)]
        assert set(answers) == {200, 429}
        assert float(await spent_by(router)) <= 5
