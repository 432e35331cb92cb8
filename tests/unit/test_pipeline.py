"""Requests through a whole router: who may ask for what, and who is asked next."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from airouter.config.providers import PROVIDER_TYPES
from support.chat_provider import (
    ANSWER,
    DONE,
    END,
    HI,
    UPSTREAM_KEY,
    USAGE,
    answer,
    body_of,
    chunked,
    config,
    credential,
    http,
)
from support.config import manifest
from support.in_loop import Served, served
from support.raw_upstream import RawUpstream


async def test_an_alias_is_served(router: Served, first: RawUpstream) -> None:
    asking = asyncio.create_task(router.chat("other"))
    await answer(first, http(200, ANSWER))
    assert (await asking).status_code == 200


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 520, 524, 529, 401, 403])
async def test_a_failed_attempt_moves_on_to_the_next_backend(
    router: Served, first: RawUpstream, second: RawUpstream, status: int
) -> None:
    asking = asyncio.create_task(router.chat())
    await answer(first, http(status, {"error": {"message": "no"}}))
    await answer(second, http(200, ANSWER))
    assert (await asking).json() == ANSWER


async def test_a_slow_first_byte_moves_on(first: RawUpstream, second: RawUpstream) -> None:
    slow = credential("slow", first, timeouts={"firstByte": "50ms"})
    quick = credential("quick", second, priority=1)
    models = [{"name": "m", "backends": [{"credential": "slow"}, {"credential": "quick"}]}]
    text = manifest([slow, quick], models, secrets={"upstream": "k"})
    async with served(text) as router:
        asking = asyncio.create_task(router.chat(stream=True))
        await answer(first, b"")
        await answer(second, http(200, HI + DONE, kind="text/event-stream"))
        assert (await asking).status_code == 200


async def test_the_last_error_is_passed_on_when_all_was_tried(
    router: Served, first: RawUpstream, second: RawUpstream
) -> None:
    asking = asyncio.create_task(router.chat())
    down = http(503, {"error": {"message": "down"}})
    conversations = [(await answer(each, down))[0] for each in (first, second)]
    for conversation in conversations:
        await conversation.request()
        await conversation.say(down)
    response = await asking
    assert (response.status_code, response.json()["error"]["message"]) == (503, "down")
    assert response.headers["x-should-retry"] == "false"


async def test_retry_after_is_passed_on_and_the_backend_is_left_alone(
    router: Served, first: RawUpstream, second: RawUpstream
) -> None:
    asking = asyncio.create_task(router.chat())
    await answer(first, http(429, {"error": {"message": "slow down"}}, "retry-after: 30"))
    conversation, _ = await answer(second, http(200, ANSWER))
    await asking
    asking = asyncio.create_task(router.chat())
    await conversation.request()
    await conversation.say(http(200, ANSWER))
    assert (await asking).status_code == 200
    assert first.count == 1


@pytest.mark.parametrize("key", ["", "another"])
async def test_a_reload_has_a_backend_rest_on_unless_it_has_another_key(
    router: Served, first: RawUpstream, second: RawUpstream, key: str
) -> None:
    asking = asyncio.create_task(router.chat())
    slow, _ = await answer(first, http(429, {"error": {"message": "no"}}, "retry-after: 30"))
    quick, _ = await answer(second, http(200, ANSWER))
    await asking
    assert router.offer(config(first, second).replace(UPSTREAM_KEY, key or UPSTREAM_KEY))
    asking = asyncio.create_task(router.chat())
    asked = slow if key else quick
    assert (key or UPSTREAM_KEY).encode() in await asked.request()
    await asked.say(http(200, ANSWER))
    assert (await asking).status_code == 200


async def test_a_key_that_is_refused_after_it_was_replaced_bans_nobody(
    first: RawUpstream, second: RawUpstream
) -> None:
    resilience = {"fail2ban": {"maxAttempts": 1}}
    text = config(first, second, resilience=resilience)
    async with served(text) as router:
        asking = asyncio.create_task(router.chat())
        conversation, _ = await answer(first, b"")
        assert router.offer(text.replace(UPSTREAM_KEY, "another"))
        await conversation.say(http(401, {"error": {"message": "no"}}))
        await answer(second, http(200, ANSWER))
        assert (await asking).status_code == 200
        asking = asyncio.create_task(router.chat())
        assert b"another" in await conversation.request()
        await conversation.say(http(200, ANSWER))
        assert (await asking).status_code == 200


async def test_a_long_retry_after_of_the_only_backend_goes_to_the_client(
    first: RawUpstream,
) -> None:
    async with served(config(first)) as router:
        asking = asyncio.create_task(router.chat())
        await answer(first, http(429, {"error": {"message": "slow down"}}, "retry-after: 30"))
        response = await asking
        assert (response.status_code, response.headers["retry-after"]) == (429, "30")
        assert first.count == 1


async def test_a_fallback_model_answers_when_no_backend_can(
    first: RawUpstream, second: RawUpstream
) -> None:
    credentials = [credential("a", first), credential("b", second)]
    models = [
        {"name": "m", "backends": [{"credential": "a"}], "fallbacks": ["n"]},
        {"name": "n", "backends": [{"credential": "b"}]},
    ]
    retries = {"retries": {"attempts": 0}}
    text = manifest(credentials, models, secrets={"upstream": "k"}, resilience=retries)
    async with served(text) as router:
        asking = asyncio.create_task(router.chat())
        await answer(first, http(500, {}))
        _, request = await answer(second, http(200, ANSWER))
        assert body_of(request)["model"] == "n"
        assert (await asking).status_code == 200


async def test_a_fallback_answers_a_key_that_may_not_ask_for_it(
    first: RawUpstream, second: RawUpstream
) -> None:
    credentials = [credential("a", first), credential("b", second)]
    models = [
        {"name": "m", "backends": [{"credential": "a"}], "fallbacks": ["n"]},
        {"name": "n", "backends": [{"credential": "b"}]},
    ]
    team = {"name": "team", "secretRef": {"name": "keys", "key": "team"}, "models": ["m"]}
    secrets = {"upstream": "k", "team": "sk-of-the-team"}
    text = manifest(credentials, models, secrets=secrets, auth={"clients": [team]})
    async with served(text) as router:
        router.client.headers["authorization"] = "Bearer sk-of-the-team"
        assert (await router.chat("n")).status_code == 404
        asking = asyncio.create_task(router.chat())
        await answer(first, http(503, {}))
        await answer(second, http(200, ANSWER))
        assert (await asking).status_code == 200


async def test_a_request_keeps_the_configuration_it_started_with(
    router: Served, first: RawUpstream, second: RawUpstream
) -> None:
    asking = asyncio.create_task(router.chat(stream=True))
    conversation, _ = await answer(first, chunked(HI))
    assert router.offer(config(second))
    await conversation.say(b"%x\r\n%b\r\n" % (len(DONE), DONE) + END)
    assert (await asking).content == HI + DONE
    asking = asyncio.create_task(router.chat())
    await answer(second, http(200, ANSWER))
    assert (await asking).status_code == 200


async def test_a_reload_keeps_the_connections_to_an_address_that_stays(
    router: Served, first: RawUpstream, second: RawUpstream
) -> None:
    asking = asyncio.create_task(router.chat())
    conversation, _ = await answer(first, http(200, ANSWER))
    await asking
    router.offer(config(first, second, resilience={"retries": {"attempts": 0}}))
    asking = asyncio.create_task(router.chat())
    await conversation.request()
    await conversation.say(http(200, ANSWER))
    assert (await asking).status_code == 200
    assert first.count == 1


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        (b"", 400, "invalid_json", None),
        (b'{"model": "m",}', 400, "invalid_json", None),
        (b"[]", 400, "invalid_json", None),
        (b'{"messages": []}', 400, None, "model"),
        (b'{"model": 7}', 400, "invalid_value", "model"),
        (b'{"model": "m", "stream": "yes"}', 400, "invalid_value", "stream"),
        (b'{"model": "nope"}', 404, "model_not_found", "model"),
    ],
)
async def test_a_bad_request_is_refused_in_openai_shape(
    router: Served, body: bytes, status: int, code: str | None, param: str | None
) -> None:
    response = await router.client.post("/v1/chat/completions", content=body)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (status, code, param)
    assert error["type"] == "invalid_request_error"
    assert response.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"authorization": ""}, 401, "missing_api_key"),
        ({"authorization": "Bearer wrong"}, 401, "invalid_api_key"),
        ({"authorization": "", "x-api-key": "wrong"}, 401, "invalid_api_key"),
    ],
)
async def test_a_wrong_key_is_refused(
    router: Served, headers: dict[str, str], status: int, code: str
) -> None:
    for path in ("/v1/chat/completions", "/v1/embeddings"):
        response = await router.client.post(path, json={"model": "m"}, headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    response = await router.client.get("/v1/models", headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


async def test_a_body_over_the_limit_is_refused(first: RawUpstream) -> None:
    async with served(config(first), max_body_bytes=2048) as router:
        response = await router.chat(padding="x" * 4096)
        assert (response.status_code, response.json()["error"]["code"]) == (
            413,
            "request_too_large",
        )


async def test_a_large_body_takes_the_other_way_to_the_same_pipeline(
    router: Served, first: RawUpstream
) -> None:
    asking = asyncio.create_task(router.chat(stream=True, padding="x" * 2_000_000))
    conversation, request = await answer(first, chunked(HI, USAGE))
    assert len(body_of(request)["padding"]) == 2_000_000
    await conversation.say(b"%x\r\n%b\r\n" % (len(DONE), DONE) + END)
    assert (await asking).content == HI + DONE


async def test_a_client_that_leaves_on_the_other_way_cancels_the_upstream_call(
    router: Served, first: RawUpstream
) -> None:
    asking = asyncio.create_task(router.chat(stream=True, padding="x" * 2_000_000))
    conversation, _ = await answer(first, chunked(HI))
    asking.cancel()
    async with asyncio.timeout(30):
        await conversation.gone()


async def test_a_broken_configuration_leaves_the_last_good_one(
    router: Served, first: RawUpstream
) -> None:
    assert not router.offer("nonsense: [")
    health = (await router.client.get("/health")).json()
    assert not health["config"]["last_reload_successful"]
    assert (
        "airouter_config_last_reload_successful 0.0" in (await router.client.get("/metrics")).text
    )
    asking = asyncio.create_task(router.chat())
    await answer(first, http(200, ANSWER))
    assert (await asking).status_code == 200


async def test_the_health_page_is_for_people(first: RawUpstream) -> None:
    async with served(config(first), PROVIDER_TYPES, health_names=True) as router:
        response = await router.client.get("/vhealth", headers={"accept": "text/html"})
    assert response.headers["content-type"].startswith("text/html")
    assert "c0" in response.text
    assert UPSTREAM_KEY not in response.text
    assert isinstance(response, httpx.Response)
