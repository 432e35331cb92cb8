"""Errors that providers tell with status 200, where client and provider speak the same API."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from failover.faulty import STREAM_HEAD, Fault, FaultyProvider, http
from failover.stage import HELLO, PATHS, SHAPES
from support.config import manifest
from support.in_loop import Served, served

Body = dict[str, Any]
TYPES: dict[str, Body] = {
    "chat": {"type": "OpenAICompatible"},
    "messages": {"type": "Anthropic"},
    "responses": {"type": "OpenAICompatible", "api": ["responses"]},
}
OVERLOADED: Body = {"message": "overloaded", "type": "server_error", "code": 503}
ANTHROPICS: Body = {
    "type": "error",
    "error": {"type": "overloaded_error", "message": "overloaded"},
}
FAILED: Body = {
    "id": "resp_1",
    "object": "response",
    "status": "failed",
    "error": {"code": "server_error", "message": "overloaded"},
    "output": [],
}
OF_MINIMAX: Body = {
    "id": "",
    "choices": None,
    "usage": {"total_tokens": 0, "prompt_tokens": 0, "completion_tokens": 0},
    "base_resp": {"status_code": 1033, "status_msg": "overloaded"},
}
FAILED_CHOICE: Body = {"index": 0, "finish_reason": "error", "message": {"content": "It"}}
WHOLE = [
    pytest.param("chat", {"error": OVERLOADED}, id="chat"),
    pytest.param("chat", {"choices": [{"index": 0, "error": OVERLOADED}]}, id="chat, in a choice"),
    pytest.param("chat", OF_MINIMAX, id="chat, MiniMax's"),
    pytest.param("messages", ANTHROPICS, id="messages"),
    pytest.param("responses", {"error": OVERLOADED}, id="responses"),
    pytest.param("responses", FAILED, id="responses, failed"),
]
FIRST_EVENTS = [
    pytest.param("chat", {"error": OVERLOADED}, id="chat"),
    pytest.param("chat", OF_MINIMAX, id="chat, MiniMax's"),
    pytest.param("messages", ANTHROPICS, id="messages"),
    pytest.param("responses", {"type": "error", "message": "overloaded"}, id="responses"),
    pytest.param(
        "responses", {"type": "response.failed", "response": FAILED}, id="responses, failed"
    ),
]
SAID = "It rained."
NOTHING = [
    pytest.param({"choices": [], "usage": {"prompt_tokens": 1}}, id="no choice"),
    pytest.param({"choices": [FAILED_CHOICE], "usage": {"prompt_tokens": 1}}, id="a failed one"),
]
ANSWERS: dict[str, Body] = {
    "chat": {"choices": [{"message": {"role": "assistant", "content": SAID}, "index": 0}]},
    "messages": {
        "type": "message",
        "content": [{"type": "text", "text": SAID}],
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
    "responses": {
        "id": "resp_2",
        "object": "response",
        "status": "completed",
        "output": [{"type": "message", "content": [{"type": "output_text", "text": SAID}]}],
    },
}
STREAMS: dict[str, list[Body]] = {
    "chat": [{"choices": [{"index": 0, "delta": {"content": SAID}, "finish_reason": "stop"}]}],
    "messages": [
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": SAID}},
        {"type": "message_stop"},
    ],
    "responses": [{"type": "response.completed", "response": ANSWERS["responses"]}],
}


def telling(body: Body) -> Fault:
    """A whole answer with status 200."""

    async def answer(writer: asyncio.StreamWriter, _: asyncio.Event) -> None:
        writer.write(http(200, body))

    return answer


def streaming(*events: Body, end: str = "") -> Fault:
    """A stream of these events, and of what ends it."""

    async def answer(writer: asyncio.StreamWriter, _: asyncio.Event) -> None:
        data = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
        writer.write(STREAM_HEAD + data.encode() + end.encode())
        writer.close()

    return answer


def config(api: str, shape: str, *providers: FaultyProvider) -> str:
    """One model with all providers as backends, or with a fallback for each further one."""
    credentials = [
        {
            "name": each.name,
            "baseURL": each.base_url.removesuffix("/v1" if api == "messages" else ""),
            "secretRef": {"name": "keys", "key": "upstream"},
            "priority": number,
            **TYPES[api],
        }
        for number, each in enumerate(providers)
    ]
    backends = [{"credential": each.name, "upstreamName": "claude-opus-4-8"} for each in providers]
    models: list[Body] = [{"name": "m", "backends": backends}]
    if shape == "fallback":
        models = [
            {"name": "m", "backends": backends[:1], "fallbacks": ["other"]},
            {"name": "other", "backends": backends[1:]},
        ]
    quick = {"retries": {"backoff": {"initial": "1ms", "max": "2ms"}}}
    return manifest(credentials, models, secrets={"upstream": "k"}, resilience=quick)


@contextlib.asynccontextmanager
async def stage(
    api: str, shape: str = "backends", *, names: tuple[str, ...] = ("first", "second")
) -> AsyncIterator[tuple[Served, list[FaultyProvider]]]:
    """Serve a model of providers that speak an API."""
    async with contextlib.AsyncExitStack() as stack:
        providers = [
            await stack.enter_async_context(FaultyProvider(name).listening()) for name in names
        ]
        router = await stack.enter_async_context(served(config(api, shape, *providers)))
        yield router, providers


async def ask(router: Served, api: str, *, stream: bool = False) -> httpx.Response:
    """Ask for an answer."""
    body: Body = {"model": "m", "messages": HELLO, "max_tokens": 9}
    if api == "responses":
        body = {"model": "m", "input": "Hello!", "store": False}
    return await router.client.post(PATHS[api], json={**body, "stream": stream})


@SHAPES
@pytest.mark.parametrize(("api", "error"), WHOLE)
async def test_an_error_in_place_of_an_answer_is_mended_by_another_provider(
    api: str, error: Body, shape: str
) -> None:
    async with stage(api, shape) as (router, (first, second)):
        first.always, second.always = telling(error), telling(ANSWERS[api])
        answer = await ask(router, api)
        assert answer.status_code == 200, answer.text
        assert SAID in answer.text
        assert (first.asked, second.asked) == (1, 1)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("api", "error"), WHOLE)
async def test_an_error_in_place_of_an_answer_is_counted_as_one(
    api: str, error: Body, *, stream: bool
) -> None:
    async with stage(api, names=("only",)) as (router, (only,)):
        only.always = telling(error)
        assert (await ask(router, api, stream=stream)).status_code >= 400
        metrics = (await router.client.get("/metrics")).text
        assert 'credential="only",error="upstream_refused",status="200"' in metrics


@SHAPES
@pytest.mark.parametrize(("api", "error"), FIRST_EVENTS)
async def test_an_error_as_the_first_event_is_mended_by_another_provider(
    api: str, error: Body, shape: str
) -> None:
    async with stage(api, shape) as (router, (first, second)):
        first.always, second.always = streaming(error), streaming(*STREAMS[api])
        answer = await ask(router, api, stream=True)
        assert SAID in answer.text
        assert "overloaded" not in answer.text
        assert (first.asked, second.asked) == (1, 1)


@pytest.mark.parametrize(("api", "error"), WHOLE)
async def test_an_error_in_place_of_an_answer_is_tried_again(api: str, error: Body) -> None:
    async with stage(api, names=("only",)) as (router, (only,)):
        only.faults.extend([telling(error), telling(ANSWERS[api])])
        answer = await ask(router, api)
        assert SAID in answer.text
        assert only.asked == 2


@pytest.mark.parametrize(("api", "error"), WHOLE)
async def test_an_error_that_nobody_mends_has_the_status_of_one(api: str, error: Body) -> None:
    async with stage(api, names=("only",)) as (router, (only,)):
        only.always = telling(error)
        answer = await ask(router, api)
        assert answer.status_code >= 500
        assert answer.headers["x-should-retry"] == "false"
        assert answer.json()["error"]["message"] == "overloaded"


@SHAPES
@pytest.mark.parametrize("answer", NOTHING)
async def test_a_chat_without_an_answer_is_mended_by_another_provider(
    answer: Body, shape: str
) -> None:
    async with stage("chat", shape) as (router, (first, second)):
        first.always, second.always = telling(answer), telling(ANSWERS["chat"])
        answered = await ask(router, "chat")
        assert SAID in answered.text
        assert (first.asked, second.asked) == (1, 1)


@SHAPES
@pytest.mark.parametrize("events", [[], [{"choices": [], "usage": {"prompt_tokens": 1}}]])
async def test_a_stream_of_nothing_but_its_end_is_mended_by_another_provider(
    events: list[Body], shape: str
) -> None:
    async with stage("chat", shape) as (router, (first, second)):
        first.always = streaming(*events, end="data: [DONE]\n\n")
        second.always = streaming(*STREAMS["chat"])
        answered = await ask(router, "chat", stream=True)
        assert SAID in answered.text
        assert (first.asked, second.asked) == (1, 1)


async def test_an_error_of_vllms_as_the_first_event_is_told() -> None:
    async with stage("chat", names=("only",)) as (router, (only,)):
        only.always = streaming({"object": "error", "message": "overloaded", "code": 503})
        answer = await ask(router, "chat", stream=True)
        assert (answer.status_code, answer.json()["error"]["message"]) == (503, "overloaded")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
@pytest.mark.parametrize(
    ("code", "status"), [(1000, 502), (1002, 429), (1004, 502), (1008, 429), (2013, 400)]
)
async def test_an_error_of_minimax_s_has_the_status_of_its_code(
    code: int, status: int, path: str, *, stream: bool
) -> None:
    told: Body = OF_MINIMAX | {"base_resp": {"status_code": code, "status_msg": "as it is"}}
    async with stage("chat", names=("only",)) as (router, (only,)):
        only.always = streaming(told) if stream else telling(told)
        body: Body = {"model": "m", "messages": HELLO, "max_tokens": 9, "stream": stream}
        answer = await router.client.post(path, json=body)
        assert answer.status_code == status
        # Of the key of the router its clients are not told.
        assert ("as it is" in answer.text) == (code != 1004)


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/v1/chat/completions", {}),
        ("/v1/chat/completions", {"stream_options": {"include_usage": True}}),
        ("/v1/messages", {}),
    ],
)
async def test_an_error_of_minimax_s_in_the_middle_of_a_stream_is_told(
    path: str, more: Body
) -> None:
    begun: Body = {"choices": [{"index": 0, "delta": {"content": "It"}, "finish_reason": None}]}
    async with stage("chat", names=("only",)) as (router, (only,)):
        only.always = streaming(begun, OF_MINIMAX)
        body: Body = {"model": "m", "messages": HELLO, "max_tokens": 9, "stream": True}
        answer = await router.client.post(path, json=body | more)
        (line,) = [each for each in answer.text.splitlines() if '"error":' in each]
        assert json.loads(line.removeprefix("data: "))["error"]["message"] == "overloaded"
        assert "ended early" not in answer.text


async def test_an_answer_of_minimax_s_is_one() -> None:
    async with stage("chat", names=("only",)) as (router, (only,)):
        only.always = telling(ANSWERS["chat"] | {"base_resp": {"status_code": 0}})
        assert SAID in (await ask(router, "chat")).text
