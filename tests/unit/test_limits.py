"""Limits as clients of a router meet them."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import datetime
from typing import Any

import httpx
import pytest

from support.config import manifest
from support.in_loop import Served, served
from support.mock_sessions import dial, last, say
from support.raw_upstream import raw_upstream

TEAM = {"authorization": "Bearer sk-team"}
TOLD = ("limit", "remaining", "reset")
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello!"}]}


def a_manifest(*mocks: dict[str, Any], client: dict[str, Any] | None = None, **spec: Any) -> str:
    """A model `m` with a Mock credential for each of `mocks`, in their order, and a client."""
    credentials = [
        {"name": f"c{at}", "type": "Mock", "priority": at, **mock} for at, mock in enumerate(mocks)
    ]
    models = spec.pop("models", None) or [
        {"name": "m", "backends": [{"credential": each["name"]} for each in credentials]}
    ]
    auth = {
        "masterKey": {"secretRef": {"name": "keys", "key": "master"}},
        "clients": [
            {"name": "team", "secretRef": {"name": "keys", "key": "team"}, **(client or {})}
        ],
        **spec.pop("auth", {}),
    }
    return manifest(credentials, models, secrets={"team": "sk-team"}, auth=auth, **spec)


async def ask(router: Served, path: str = "/v1/chat/completions", **fields: Any) -> httpx.Response:
    """A request of the client."""
    headers = {"authorization": "Bearer sk-team"}
    return await router.client.post(path, json={**CHAT, **fields}, headers=headers)


async def test_one_request_too_many_is_told_why_and_for_how_long() -> None:
    async with served(a_manifest({}, client={"limits": {"rpm": 2}})) as router:
        answers = [await ask(router) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[0].headers["x-ratelimit-limit-requests"] == "2"
        assert [a.headers["x-ratelimit-remaining-requests"] for a in answers] == ["1", "0", "0"]
        assert 0 < int(answers[2].headers["retry-after"]) <= 61
        error = answers[2].json()["error"]
        assert (error["code"], error["type"]) == ("rate_limit_exceeded", "requests")
        assert "the client 'team': 2 requests per minute" in error["message"]
        assert (await router.chat()).status_code == 200


async def test_a_client_of_messages_is_told_in_its_own_words() -> None:
    async with served(a_manifest({}, client={"limits": {"rpm": 1}})) as router:
        began = time.time()
        answers = [await ask(router, "/v1/messages", max_tokens=5) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]
        assert answers[0].headers["anthropic-ratelimit-requests-remaining"] == "0"
        told = datetime.fromisoformat(answers[1].headers["anthropic-ratelimit-requests-reset"])
        assert told.timestamp() >= began + 60  # there is no room before
        assert answers[1].json()["error"]["type"] == "rate_limit_error"


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/messages/count_tokens", CHAT), ("/v1/responses/input_tokens", {"input": "Hi"})],
)
async def test_an_answer_that_nobody_is_asked_for_tells_of_limits_like_any_other(
    path: str, body: dict[str, Any]
) -> None:
    async with served(a_manifest({}, client={"limits": {"rpm": 3}})) as router:
        answer = await router.client.post(path, json={"model": "m", **body}, headers=TEAM)
        assert answer.status_code == 200, answer.text
        names = ("x-ratelimit-remaining-requests", "anthropic-ratelimit-requests-remaining")
        assert [answer.headers[name] for name in names if name in answer.headers] == ["2"]


async def test_a_stream_counts_and_tells_of_limits_like_any_request() -> None:
    async with served(a_manifest({}, client={"limits": {"rpm": 1}})) as router:
        first = await ask(router, stream=True)
        assert first.headers["x-ratelimit-remaining-requests"] == "0"
        assert first.text.endswith("data: [DONE]\n\n")
        assert (await ask(router, stream=True)).status_code == 429


async def test_tokens_are_charged_as_the_provider_counted_them() -> None:
    text = a_manifest({"mock": {"reply": "tokens:500"}}, client={"limits": {"tpm": 1_200}})
    async with served(text) as router:
        statuses = [(await ask(router)).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]


ONE = {"rpm": 1, "maxConcurrent": 1}


@pytest.mark.parametrize("stream", [False, True], ids=["polled", "followed"])
async def test_a_response_in_the_background_is_one_request(stream: bool) -> None:
    async with served(a_manifest({}, client={"limits": ONE})) as router:
        asked = {"model": "m", "input": "Hi", "background": True, "stream": stream}
        first = await router.client.post("/v1/responses", json=asked, headers=TEAM)
        assert first.status_code == 200
        if stream:
            assert "response.completed" in first.text
        else:
            assert await end_of(router, first.json()["id"]) == "completed"
        again = await router.client.post("/v1/responses", json=asked, headers=TEAM)
        assert again.status_code == 429


@pytest.mark.parametrize(
    ("path", "more"),
    [("/v1/responses", {"background": True, "stream": True}), ("/v1/responses/compact", {})],
    ids=["in the background", "compacted"],
)
async def test_time_of_the_request_that_answers_is_no_overhead_of_the_one_it_is_made_for(
    path: str, more: dict[str, Any]
) -> None:
    async with served(a_manifest({"mock": {"latency": "1s"}})) as router:
        asked = {"model": "m", "input": "Hi", **more}
        answer = await router.client.post(path, json=asked, headers=TEAM)
        assert answer.status_code == 200
        page = (await router.client.get("/metrics")).text
    found = re.findall(r"airouter_(request_duration|overhead)_seconds_sum\{.*\} (.*)", page)
    sums = {name: sum(float(value) for each, value in found if each == name) for name, _ in found}
    assert sums["overhead"] < sums["request_duration"] / 4


async def end_of(router: Served, response_id: str) -> str:
    """The status of a response, once it has ended."""
    async with asyncio.timeout(60):
        while True:
            answer = await router.client.get(f"/v1/responses/{response_id}", headers=TEAM)
            status: str = answer.json()["status"]
            if status not in {"queued", "in_progress"}:
                return status
            await asyncio.sleep(0.01)


async def test_a_compaction_is_one_request() -> None:
    async with served(a_manifest({}, client={"limits": ONE})) as router:
        asked = {"model": "m", "input": "Hi"}
        first = await router.client.post("/v1/responses/compact", json=asked, headers=TEAM)
        assert first.status_code == 200, first.text
        again = await router.client.post("/v1/responses/compact", json=asked, headers=TEAM)
        assert again.status_code == 429


async def test_a_compaction_that_is_refused_tells_of_limits_like_any_request() -> None:
    async with served(a_manifest({}, client={"limits": {"tpm": 400}})) as router:
        asked = {"model": "m", "input": "Hi"}
        refused = await router.client.post("/v1/responses/compact", json=asked, headers=TEAM)
        assert "needs more tokens than the limit" in refused.json()["error"]["message"]
        told = {name: refused.headers.get(f"x-ratelimit-{name}-tokens") for name in TOLD}
        assert told == {"limit": "400", "remaining": "400", "reset": "0s"}


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_that_is_compacted_beyond_its_threshold_is_one_request(
    *, stream: bool
) -> None:
    rules = [{"type": "compaction", "compact_threshold": 1}]
    async with served(a_manifest({}, client={"limits": ONE})) as router:
        asked = {"model": "m", "input": "Hi", "context_management": rules, "stream": stream}
        first = await router.client.post("/v1/responses", json=asked, headers=TEAM)
        assert '"type":"compaction"' in first.text
        again = await router.client.post("/v1/responses", json=asked, headers=TEAM)
        assert again.status_code == 429


async def test_requests_at_the_same_time_are_bounded() -> None:
    text = a_manifest({"mock": {"latency": "2s"}}, client={"limits": {"maxConcurrent": 2}})
    async with served(text) as router:
        answers = await asyncio.gather(*(ask(router) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429]
        assert (await ask(router)).status_code == 200


async def test_a_client_that_leaves_gives_its_place_back() -> None:
    text = a_manifest({"mock": {"latency": "30s"}}, client={"limits": {"maxConcurrent": 1}})
    async with served(text) as router:
        leaving = asyncio.create_task(ask(router))
        async with asyncio.timeout(30):
            while not router.router.in_flight()["c0"]:
                await asyncio.sleep(0.01)
            assert (await ask(router)).status_code == 429
            leaving.cancel()
            while router.router.in_flight()["c0"]:
                await asyncio.sleep(0.01)
        staying = asyncio.create_task(ask(router))
        async with asyncio.timeout(30):
            while not router.router.in_flight()["c0"]:
                await asyncio.sleep(0.01)
        staying.cancel()


async def test_an_outage_costs_no_limit() -> None:
    broken = {"mock": {"errorPercent": 100, "errorStatus": 500}}
    text = a_manifest(
        broken, client={"limits": {"rpm": 1}}, resilience={"retries": {"attempts": 0}}
    )
    async with served(text) as router:
        assert [(await ask(router)).status_code for _ in range(3)] == [500, 500, 500]


async def test_a_credential_at_its_limit_is_passed_over() -> None:
    async with served(a_manifest({"limits": {"rpm": 2}}, {})) as router:
        asked = [(await ask(router)).headers["x-airouter-backend"] for _ in range(4)]
        assert asked == ["c0/m", "c0/m", "c1/m", "c1/m"]


async def test_when_every_account_is_at_its_limit_the_answer_says_so_and_nobody_is_asked() -> None:
    text = a_manifest({"limits": {"rpm": 1}}, {"limits": {"maxConcurrent": 1, "rpm": 1}})
    async with served(text) as router:
        answers = [await ask(router) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        message = answers[2].json()["error"]["message"]
        assert "every account that could answer" in message
        assert 50 <= int(answers[2].headers["retry-after"]) <= 61
        assert "c0" not in message


async def test_a_model_whose_accounts_are_at_their_limits_is_answered_by_its_fallback() -> None:
    models = [
        {"name": "m", "backends": [{"credential": "c0"}], "fallbacks": ["n"]},
        {"name": "n", "backends": [{"credential": "c1"}]},
    ]
    async with served(a_manifest({"limits": {"rpm": 1}}, {}, models=models)) as router:
        asked = [(await ask(router)).headers["x-airouter-backend"] for _ in range(2)]
        assert asked == ["c0/m", "c1/n"]


async def test_a_backend_has_limits_of_its_own() -> None:
    backends = [{"credential": "c0", "limits": {"rpm": 1}}, {"credential": "c1"}]
    models = [
        {"name": "m", "backends": backends},
        {"name": "n", "backends": [{"credential": "c0"}]},
    ]
    async with served(a_manifest({}, {}, models=models)) as router:
        asked = [(await ask(router)).headers["x-airouter-backend"] for _ in range(2)]
        assert asked == ["c0/m", "c1/m"]
        assert (await ask(router, model="n")).headers["x-airouter-backend"] == "c0/n"


async def test_a_batch_client_waits_instead_of_being_refused() -> None:
    client = {"limits": {"maxConcurrent": 1}, "priority": "Batch"}
    text = a_manifest({"mock": {"latency": "100ms"}}, client=client)
    async with served(text) as router:
        answers = await asyncio.gather(*(ask(router) for _ in range(3)))
        assert [answer.status_code for answer in answers] == [200, 200, 200]


async def test_a_limit_that_is_lowered_counts_what_was_used_before() -> None:
    async with served(a_manifest({}, client={"limits": {"rpm": 3}})) as router:
        for _ in range(2):
            await ask(router)
        assert router.offer(a_manifest({}, client={"limits": {"rpm": 2}}))
        assert (await ask(router)).status_code == 429


async def test_a_turn_over_a_session_is_limited_too() -> None:
    async with served(a_manifest({}, client={"limits": {"rpm": 1}})) as router:
        headers = {"authorization": "Bearer sk-team"}
        async with dial(router, additional_headers=headers) as session:
            await say(session, model="m", input="x")
            assert (await last(session))["type"] == "response.completed"
            await say(session, model="m", input="x")
            event = await last(session)
            assert (event["type"], event["status"]) == ("error", 429)


async def test_an_account_whose_provider_has_no_more_is_left_alone_until_it_has() -> None:
    body = (
        b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,'
        b'"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}'
    )
    used_up = (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
        b"x-ratelimit-limit-requests: 10\r\nx-ratelimit-remaining-requests: 0\r\n"
        b"x-ratelimit-reset-requests: 30s\r\n\r\n%b" % (len(body), body)
    )
    async with raw_upstream() as provider:
        first = {"type": "OpenAICompatible", "baseURL": f"http://127.0.0.1:{provider.port}/v1"}
        async with served(a_manifest(first, {})) as router:
            asking = asyncio.create_task(ask(router))
            connection = await provider.accept()
            await connection.request()
            await connection.say(used_up)
            answers = [await asking, await ask(router), await ask(router)]
            backends = [answer.headers["x-airouter-backend"] for answer in answers]
            assert backends == ["c0/m", "c1/m", "c1/m"]
