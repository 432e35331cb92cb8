"""What one provider is sent, and what becomes of its answer, through a whole router."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import threading
from base64 import b64encode
from functools import partial
from typing import Any

import pytest

from airouter.attempts.forward import MOST_FIELDS, MOST_OBJECTS, PASSED
from airouter.bounds.answers_in_hand import TOGETHER
from airouter.eventloop.aside import LARGE
from support.chat_provider import (
    ANSWER,
    DONE,
    END,
    EVENT_STREAM,
    HI,
    UPSTREAM_KEY,
    USAGE,
    answer,
    body_of,
    chunked,
    config,
    credential,
    event,
    http,
)
from support.config import manifest
from support.in_loop import Served, served
from support.raw_upstream import RawUpstream


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


async def test_a_whole_answer_to_a_large_request_is_told_as_a_stream_beside_the_loop(
    router: Served, first: RawUpstream
) -> None:
    asking = asyncio.create_task(router.chat(stream=True, user="u" * LARGE))
    provider = await first.accept()
    await provider.request()
    release = threading.Event()
    holding = asyncio.create_task(router.router.aside.run(partial(release.wait, 60)))
    try:
        await provider.say(http(200, ANSWER))
        assert (await router.client.get("/v1/models")).status_code == 200
        assert not asking.done()
    finally:
        release.set()
        await holding
    assert b'"content":"Hi"' in (await asking).content


@pytest.mark.parametrize(
    "more",
    [
        pytest.param("m" * PASSED, id="bytes"),
        pytest.param([{}] * (MOST_OBJECTS + 1), id="objects"),
        pytest.param({f"f{number}": 1 for number in range(MOST_FIELDS)}, id="fields"),
    ],
)
async def test_a_large_whole_answer_is_read_beside_the_loop(
    router: Served, first: RawUpstream, more: object
) -> None:
    said = {**ANSWER, "more": more}
    asking = asyncio.create_task(router.chat())
    provider = await first.accept()
    await provider.request()
    release = threading.Event()
    holding = asyncio.create_task(router.router.aside.run(partial(release.wait, 60)))
    try:
        await provider.say(http(200, said))
        assert (await router.client.get("/v1/models")).status_code == 200
        assert not asking.done()
    finally:
        release.set()
        await holding
    assert (await asking).json() == said


async def test_an_answer_that_passes_through_waits_for_no_large_request(
    router: Served, first: RawUpstream
) -> None:
    said = {**ANSWER, "more": "m" * (PASSED // 2)}
    release = threading.Event()
    holding = asyncio.create_task(router.router.aside.run(partial(release.wait, 60)))
    try:
        asking = asyncio.create_task(router.chat())
        await answer(first, http(200, said))
        assert (await asking).json() == said
    finally:
        release.set()
        await holding


async def test_a_large_answer_waits_for_the_one_that_began_before_it(
    router: Served, first: RawUpstream
) -> None:
    asking, providers = [], []
    for _ in range(2):
        asking.append(asyncio.create_task(router.chat()))
        providers.append(await first.accept())
        await providers[-1].request()
    begun = http(200, {**ANSWER, "more": "m" * TOGETHER})
    await providers[0].say(begun[:-1])
    other = http(200, {**ANSWER, "more": "m" * (TOGETHER // 2)})
    saying = asyncio.create_task(providers[1].say(other))
    await asyncio.wait({saying}, timeout=0.5)
    assert not saying.done()
    await providers[0].say(begun[-1:])
    assert [(await each).status_code for each in asking] == [200, 200]
    await saying


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


async def test_other_errors_are_passed_on_as_they_are(router: Served, first: RawUpstream) -> None:
    error = {"message": "bad tool", "type": "invalid_request_error", "param": "tools", "code": "x"}
    asking = asyncio.create_task(router.chat())
    await answer(first, http(422, {"error": error}))
    response = await asking
    assert (response.status_code, response.json()) == (422, {"error": error})
    assert "x-should-retry" not in response.headers


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


async def test_no_field_of_an_error_says_anything_of_the_credential(first: RawUpstream) -> None:
    quoted = {"message": "no", "type": UPSTREAM_KEY, "code": UPSTREAM_KEY, "param": UPSTREAM_KEY}
    async with served(config(first)) as router:
        asking = asyncio.create_task(router.chat())
        await answer(first, http(400, {"error": quoted}))
        masked = {"message": "no", "type": "***", "code": "***", "param": "***"}
        assert (await asking).json() == {"error": masked}


@pytest.mark.parametrize(
    "quoted", [UPSTREAM_KEY, b64encode(UPSTREAM_KEY.encode()).decode(), UPSTREAM_KEY.encode().hex()]
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
async def test_an_error_within_a_stream_says_nothing_of_the_credential(
    first: RawUpstream, path: str, quoted: str
) -> None:
    prompt = [{"role": "user", "content": "Hello!"}]
    body = {"model": "m", "stream": True, "input": prompt, "store": False}
    if "responses" not in path:
        body = {"model": "m", "stream": True, "messages": prompt, "max_tokens": 9}
    once = {"retries": {"attempts": 0}}
    async with served(config(first, resilience=once)) as router:
        asking = asyncio.create_task(router.client.post(path, json=body))
        broken = event(error={"message": f"the key {quoted} is used up", "code": quoted})
        await answer(first, chunked(HI, broken) + END)
        told = (await asking).text
    assert quoted not in told
    assert "is used up" in told


async def test_a_body_that_passes_through_says_nothing_of_the_credential(
    first: RawUpstream,
) -> None:
    async with served(config(first)) as router:
        asking = asyncio.create_task(router.chat())
        await answer(first, http(200, ANSWER | {"debug": {"authorization": UPSTREAM_KEY}}))
        assert (await asking).json() == ANSWER | {"debug": {"authorization": "***"}}


async def test_a_refused_key_of_ours_is_no_refusal_of_the_clients(
    first: RawUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(config(first)) as router:
        asking = asyncio.create_task(router.chat())
        await answer(first, http(401, {"error": {"message": f"Incorrect API key {UPSTREAM_KEY}"}}))
        response = await asking
        assert response.status_code == 502
        assert response.json()["error"]["code"] == "upstream_authentication_failed"
    told = [line for line in caplog.messages if "refused its key" in line]
    assert told == [
        "credential c0: the provider refused its key with 401 (fix: put a good one into its "
        "Secret; airouter test shows the provider's own words)"
    ]


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
    async with asyncio.timeout(30):
        await conversation.gone()


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


async def test_a_compressed_answer_is_decoded(router: Served, first: RawUpstream) -> None:
    asking = asyncio.create_task(router.chat())
    data = gzip.compress(json.dumps(ANSWER).encode())
    await answer(first, http(200, data, "content-encoding: gzip"))
    response = await asking
    assert response.json() == ANSWER
    assert "content-encoding" not in response.headers


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
    conversations = [(await answer(each, unreadable))[0] for each in (first, second)]
    for conversation in conversations:
        await conversation.request()
        await conversation.say(unreadable)
    assert (await asking).status_code == 503
    assert caplog.messages == [
        "credential c0: the upstream sent content-encoding 'br' unasked",
        "credential c1: the upstream sent content-encoding 'br' unasked",
    ]


@pytest.mark.parametrize(
    ("body", "data", "kind"),
    [
        ({}, http(200, ANSWER, kind="text/html"), "application/json"),
        (
            {"stream": True},
            chunked(HI, kind=f"{EVENT_STREAM};x") + END,
            EVENT_STREAM,
        ),
    ],
)
async def test_an_answer_has_a_content_type_of_its_api(
    first: RawUpstream, body: dict[str, Any], data: bytes, kind: str
) -> None:
    async with served(config(first)) as router:
        asking = asyncio.create_task(router.chat(**body))
        await answer(first, data)
        assert (await asking).headers["content-type"] == kind
