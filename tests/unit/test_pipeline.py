"""Requests through a whole router, to providers that the test plays by hand."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from support.config import manifest
from support.in_loop import Served, served
from support.raw_upstream import Conversation, RawUpstream, raw_upstream

UPSTREAM_KEY = "sk-upstream-secret-0123456789"
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    "something_new": {"from": "the provider"},
}
EVENT_STREAM = "text/event-stream"


def http(status: int, body: Any, *headers: str, kind: str = "application/json") -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"content-type: {kind}", f"content-length: {len(data)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + data


def chunked(*pieces: bytes, kind: str = EVENT_STREAM) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n"
    return head.encode() + b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces)


def event(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


END = b"0\r\n\r\n"
HI = event(choices=[{"delta": {"content": "Hi"}}], usage=None)
USAGE = event(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 2})
DONE = b"data: [DONE]\n\n"


def credential(name: str, upstream: RawUpstream, **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": "OpenAICompatible",
        "baseURL": f"http://127.0.0.1:{upstream.port}/v1",
        "secretRef": {"name": "keys", "key": "upstream"},
        "api": ["chat", "completions", "embeddings"],
        **fields,
    }


def config(*upstreams: RawUpstream, **spec: Any) -> str:
    """Model `m` with a backend on each upstream, the first preferred."""
    credentials = [credential(f"c{i}", u, priority=i) for i, u in enumerate(upstreams)]
    backends = [{"credential": c["name"], "upstreamName": "real-m"} for c in credentials]
    models = [{"name": "m", "aliases": ["other"], "backends": backends}]
    retries = {"retries": {"attempts": 2, "backoff": {"initial": "1ms", "max": "50ms"}}}
    spec.setdefault("resilience", retries)
    return manifest(credentials, models, secrets={"upstream": UPSTREAM_KEY}, **spec)


@pytest.fixture
async def first() -> AsyncIterator[RawUpstream]:
    async with raw_upstream() as upstream:
        yield upstream


@pytest.fixture
async def second() -> AsyncIterator[RawUpstream]:
    async with raw_upstream() as upstream:
        yield upstream


@pytest.fixture
async def router(first: RawUpstream, second: RawUpstream) -> AsyncIterator[Served]:
    async with served(config(first, second)) as router:
        yield router


async def answer(upstream: RawUpstream, data: bytes) -> tuple[Conversation, bytes]:
    conversation = await upstream.accept()
    request = await conversation.request()
    await conversation.say(data)
    return conversation, request


def body_of(request: bytes) -> Any:
    return json.loads(request.partition(b"\r\n\r\n")[2])


async def test_unknown_fields_survive_in_both_directions(
    router: Served, first: RawUpstream
) -> None:
    asking = asyncio.create_task(router.chat(brand_new={"deep": [1, 2.5, None]}))
    _, request = await answer(first, http(200, ANSWER))
    assert body_of(request) == {
        "model": "real-m",
        "messages": [{"role": "user", "content": "Hello!"}],
        "brand_new": {"deep": [1, 2.5, None]},
    }
    assert (await asking).json() == ANSWER


async def test_the_provider_gets_its_own_key_and_nothing_of_the_clients(
    router: Served, first: RawUpstream
) -> None:
    asking = asyncio.create_task(router.chat())
    _, request = await answer(first, http(200, ANSWER))
    head = request.partition(b"\r\n\r\n")[0].lower()
    assert f"authorization: bearer {UPSTREAM_KEY}".encode() in head
    assert b"sk-test-master" not in head
    assert b"accept-encoding: identity" in head
    await asking


async def test_an_alias_is_served(router: Served, first: RawUpstream) -> None:
    asking = asyncio.create_task(router.chat("other"))
    await answer(first, http(200, ANSWER))
    assert (await asking).status_code == 200


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/completions"])
async def test_the_other_endpoints_go_to_their_own_paths(
    router: Served, first: RawUpstream, path: str
) -> None:
    asking = asyncio.create_task(router.client.post(path, json={"model": "m", "input": "x"}))
    _, request = await answer(first, http(200, ANSWER))
    assert request.startswith(f"POST {path} HTTP/1.1\r\n".encode())
    assert (await asking).status_code == 200


async def test_a_stream_is_asked_for_its_usage_and_the_client_does_not_see_it(
    router: Served, first: RawUpstream
) -> None:
    asking = asyncio.create_task(router.chat(stream=True))
    _, request = await answer(first, chunked(HI, USAGE, DONE) + END)
    assert body_of(request)["stream_options"] == {"include_usage": True}
    response = await asking
    assert response.content == HI + DONE
    assert response.headers["content-type"] == EVENT_STREAM


async def test_a_client_that_asks_for_usage_gets_the_very_bytes(
    router: Served, first: RawUpstream
) -> None:
    asking = asyncio.create_task(router.chat(stream=True, stream_options={"include_usage": True}))
    odd = b": ping\r\n\r\ndata:{}\r\r"
    await answer(first, chunked(odd, HI, USAGE, DONE) + END)
    assert (await asking).content == odd + HI + USAGE + DONE


@pytest.mark.parametrize("stream", [False, True])
async def test_tokens_are_counted(router: Served, first: RawUpstream, *, stream: bool) -> None:
    asking = asyncio.create_task(router.chat(stream=stream))
    await answer(first, chunked(HI, USAGE, DONE) + END if stream else http(200, ANSWER))
    await asking
    text = (await router.client.get("/metrics")).text
    assert 'airouter_tokens_total{credential="c0",kind="input",model="m"} 3.0' in text
    assert 'airouter_tokens_total{credential="c0",kind="output",model="m"} 2.0' in text


async def test_parameters_are_set_overridden_and_dropped(first: RawUpstream) -> None:
    parameters = {
        "defaults": {"temperature": 0.5, "top_p": 0.9},
        "override": {"user": "router"},
        "drop": ["logit_bias"],
    }
    models = [{"name": "m", "backends": [{"credential": "c"}], "parameters": parameters}]
    text = manifest([credential("c", first)], models, secrets={"upstream": "k"})
    async with served(text) as router:
        asking = asyncio.create_task(router.chat(temperature=1, user="me", logit_bias={"1": 2}))
        _, request = await answer(first, http(200, ANSWER))
        sent = body_of(request)
        assert (sent["temperature"], sent["top_p"], sent["user"]) == (1, 0.9, "router")
        assert "logit_bias" not in sent
        await asking


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529, 401, 403])
async def test_a_failed_attempt_moves_on_to_the_next_backend(
    router: Served, first: RawUpstream, second: RawUpstream, status: int
) -> None:
    asking = asyncio.create_task(router.chat())
    await answer(first, http(status, {"error": {"message": "no"}}))
    await answer(second, http(200, ANSWER))
    assert (await asking).json() == ANSWER


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
        b"garbage",
    ],
)
async def test_a_connection_that_breaks_before_the_first_byte_moves_on(
    router: Served, first: RawUpstream, second: RawUpstream, broken: bytes
) -> None:
    asking = asyncio.create_task(router.chat(stream=True))
    conversation, _ = await answer(first, broken)
    conversation.hang_up()
    await answer(second, chunked(HI, DONE) + END)
    assert (await asking).content == HI + DONE


async def test_a_slow_first_byte_moves_on(first: RawUpstream, second: RawUpstream) -> None:
    slow = credential("slow", first, timeouts={"firstByte": "50ms"})
    quick = credential("quick", second, priority=1)
    models = [{"name": "m", "backends": [{"credential": "slow"}, {"credential": "quick"}]}]
    text = manifest([slow, quick], models, secrets={"upstream": "k"})
    async with served(text) as router:
        asking = asyncio.create_task(router.chat())
        await answer(first, b"")
        await answer(second, http(200, ANSWER))
        assert (await asking).status_code == 200


async def test_other_errors_are_passed_on_as_they_are(router: Served, first: RawUpstream) -> None:
    error = {"message": "bad tool", "type": "invalid_request_error", "param": "tools", "code": "x"}
    asking = asyncio.create_task(router.chat())
    await answer(first, http(422, {"error": error}))
    response = await asking
    assert (response.status_code, response.json()) == (422, {"error": error})
    assert "x-should-retry" not in response.headers


async def test_the_last_error_is_passed_on_when_all_was_tried(
    router: Served, first: RawUpstream, second: RawUpstream
) -> None:
    asking = asyncio.create_task(router.chat())
    down = http(503, {"error": {"message": "down"}})
    conversation, _ = await answer(first, down)
    await answer(second, down)
    await conversation.request()
    await conversation.say(down)
    response = await asking
    assert (response.status_code, response.json()["error"]["message"]) == (503, "down")
    assert response.headers["x-should-retry"] == "false"


async def test_an_error_says_nothing_of_the_credential(
    first: RawUpstream,
) -> None:
    async with served(config(first)) as router:
        asking = asyncio.create_task(router.chat())
        message = f"Key {UPSTREAM_KEY} of org-Abc123456 is over its limit"
        await answer(first, http(400, {"error": {"message": message}}))
        response = await asking
        assert UPSTREAM_KEY not in response.text
        assert "org-Abc123456" not in response.text
        assert "over its limit" in response.text


async def test_a_refused_key_of_ours_is_no_refusal_of_the_clients(first: RawUpstream) -> None:
    async with served(config(first)) as router:
        asking = asyncio.create_task(router.chat())
        await answer(first, http(401, {"error": {"message": f"Incorrect API key {UPSTREAM_KEY}"}}))
        response = await asking
        assert response.status_code == 502
        assert response.json()["error"]["code"] == "upstream_authentication_failed"


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


async def test_a_stream_that_breaks_off_ends_with_an_error_event(
    router: Served, first: RawUpstream
) -> None:
    asking = asyncio.create_task(router.chat(stream=True))
    conversation, _ = await answer(first, chunked(HI, b'data: {"half'))
    conversation.hang_up()
    response = await asking
    events = response.text.split("\n\n")
    assert events[0] + "\n\n" == HI.decode()
    assert json.loads(events[1].removeprefix("data: "))["error"]["code"] == "broken_reply"


async def test_a_client_that_leaves_cancels_the_upstream_call(
    router: Served, first: RawUpstream
) -> None:
    asking = asyncio.create_task(router.chat(stream=True))
    conversation, _ = await answer(first, chunked(HI))
    asking.cancel()
    async with asyncio.timeout(1):
        await conversation.gone()


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


async def test_a_slow_client_slows_the_provider_down(first: RawUpstream) -> None:
    async with served(config(first)) as router:
        body = b'{"model":"m","stream":true,"messages":[]}'
        _, writer = await asyncio.open_connection("127.0.0.1", router.port, limit=1024)
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-api-key: sk-test-master\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(body), body)
        )
        conversation, _ = await answer(first, chunked(HI))
        piece = b"10000\r\n%b\r\n" % (b"x" * 65_534 + b"\n\n")
        sent = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                while sent < 2_000:
                    await conversation.say(piece)
                    sent += 1
        assert sent < 2_000  # 128 MB would have piled up here
        writer.transport.abort()


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


async def test_the_clients_request_id_is_kept_and_passed_on(
    router: Served, first: RawUpstream
) -> None:
    router.client.headers["x-request-id"] = "mine-1"
    asking = asyncio.create_task(router.chat())
    _, request = await answer(first, http(200, ANSWER))
    assert b"\r\nx-request-id: mine-1\r\n" in request
    assert (await asking).headers["x-request-id"] == "mine-1"


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
    async with asyncio.timeout(1):
        await conversation.gone()


async def test_a_compressed_answer_is_decoded(router: Served, first: RawUpstream) -> None:
    asking = asyncio.create_task(router.chat())
    data = gzip.compress(json.dumps(ANSWER).encode())
    await answer(first, http(200, data, "content-encoding: gzip"))
    response = await asking
    assert response.json() == ANSWER
    assert "content-encoding" not in response.headers


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


async def test_the_health_page_is_for_people(router: Served) -> None:
    response = await router.client.get("/vhealth", headers={"accept": "text/html"})
    assert response.headers["content-type"].startswith("text/html")
    assert "c0" in response.text
    assert UPSTREAM_KEY not in response.text
    assert isinstance(response, httpx.Response)


@pytest.mark.parametrize(
    "nothing",
    [
        http(200, b""),
        http(200, b"<html>Sign in</html>", kind="text/html"),
        http(200, b"\n null"),
        b"HTTP/1.1 204 No Content\r\n\r\n",
        chunked() + END,
    ],
    ids=["empty", "html", "null", "204", "stream"],
)
async def test_an_answer_with_nothing_in_it_moves_on(
    router: Served, first: RawUpstream, second: RawUpstream, nothing: bytes
) -> None:
    asking = asyncio.create_task(router.chat())
    await answer(first, nothing)
    await answer(second, http(200, ANSWER))
    response = await asking
    assert (response.status_code, response.json()) == (200, ANSWER)


async def test_an_answer_may_begin_with_white_space(router: Served, first: RawUpstream) -> None:
    asking = asyncio.create_task(router.chat())
    await answer(first, http(200, b"\r\n  " + json.dumps(ANSWER).encode()))
    assert (await asking).json() == ANSWER


async def test_the_log_says_why_a_provider_cannot_be_used(
    router: Served, first: RawUpstream, second: RawUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    unreadable = http(200, b"", "content-encoding: br")
    asking = asyncio.create_task(router.chat())
    conversation, _ = await answer(first, unreadable)
    await answer(second, unreadable)
    await conversation.request()
    await conversation.say(unreadable)
    assert (await asking).status_code == 502
    assert caplog.messages == [
        "credential c0: the upstream sent content-encoding 'br' unasked",
        "credential c1: the upstream sent content-encoding 'br' unasked",
    ]
