"""The tokens of streams that end early, through a whole router: counted, else estimated."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
from websockets.asyncio.client import connect

from support.chat_provider import DONE, END, HI, USAGE, chunked, credential
from support.config import MASTER_KEY, manifest
from support.in_loop import Served, served
from support.raw_upstream import Conversation, RawUpstream

WORDS = [" Grüße", ' "and"', " a\nline", " more", " tokens"] * 12
TEXT = "".join(WORDS)
"""Words as tokens are, some with escapes."""
SIZE = len(TEXT.encode()) / 4
"""Tokens, as the router estimates them."""
PROMPT = "Tell me " * 50
TOLD_INPUT = 77


def sse(data: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (
        data.get("type", "x").encode(),
        json.dumps(data, ensure_ascii=False).encode(),
    )


def chat_events() -> list[bytes]:
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    said = [{"role": "assistant", "content": ""}, *({"content": word} for word in WORDS)]
    return [
        b"data: %b\n\n" % json.dumps(chunk | {"choices": [{"index": 0, "delta": delta}]}).encode()
        for delta in said
    ]


def messages_events() -> list[bytes]:
    message: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m"}
    message |= {"content": [], "usage": {"input_tokens": TOLD_INPUT, "output_tokens": 1}}
    begun = {"type": "content_block_start", "index": 0}
    deltas = [{"type": "text_delta", "text": word} for word in WORDS]
    return [
        sse({"type": "message_start", "message": message}),
        sse({**begun, "content_block": {"type": "text", "text": ""}}),
        *(sse({"type": "content_block_delta", "index": 0, "delta": delta}) for delta in deltas),
    ]


def responses_events() -> list[bytes]:
    response = {"id": "resp_1", "object": "response", "status": "in_progress", "output": []}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    delta = {"type": "response.output_text.delta", **place}
    return [
        sse({"type": "response.created", "sequence_number": 0, "response": response}),
        *(sse({**delta, "sequence_number": i + 1, "delta": w}) for i, w in enumerate(WORDS)),
    ]


def gemini_events() -> list[bytes]:
    counts = {"promptTokenCount": TOLD_INPUT, "candidatesTokenCount": 55}
    part = {"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": TEXT}]}}]}
    return [b"data: %b\n\n" % json.dumps({**part, "usageMetadata": counts}).encode()]


class Case(NamedTuple):
    """An endpoint, the provider behind it, and the begin of a stream of the provider's."""

    path: str
    provider: dict[str, Any]
    events: list[bytes]
    told_input: int | None = None
    told_output: int | None = None
    extra: dict[str, Any] | None = None


CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
OPENAI = {"api": ["chat", "completions"]}
NATIVE = {"api": ["responses"]}
ANTHROPIC = {"type": "Anthropic", "api": None}
GEMINI = {"type": "Gemini", "api": None}
ASKED = {"stream_options": {"include_usage": True}}
CASES = {
    "chat": Case(CHAT, OPENAI, chat_events()),
    "chat-usage": Case(CHAT, OPENAI, chat_events(), extra=ASKED),
    "messages": Case(MESSAGES, ANTHROPIC, messages_events(), TOLD_INPUT),
    "responses": Case(RESPONSES, NATIVE, responses_events()),
    "chat-messages": Case(CHAT, ANTHROPIC, messages_events(), TOLD_INPUT),
    "messages-chat": Case(MESSAGES, OPENAI, chat_events()),
    "responses-messages": Case(RESPONSES, ANTHROPIC, messages_events(), TOLD_INPUT),
    "responses-chat": Case(RESPONSES, OPENAI, chat_events()),
    "chat-gemini": Case(CHAT, GEMINI, gemini_events(), TOLD_INPUT, 55),
}


def body_for(case: Case) -> dict[str, Any]:
    """A request for a stream."""
    if case.path == RESPONSES:
        said: dict[str, Any] = {"input": PROMPT, "store": False}
    else:
        said = {"messages": [{"role": "user", "content": PROMPT}], "max_tokens": 500}
    return {"model": "m", "stream": True, **said, **(case.extra or {})}


@contextlib.asynccontextmanager
async def asked_of(upstream: RawUpstream, provider: dict[str, Any]) -> AsyncIterator[Served]:
    """A router with one provider, which is asked once."""
    fields = credential("c", upstream, **provider).items()
    text = manifest(
        [{name: value for name, value in fields if value is not None}],
        [{"name": "m", "backends": [{"credential": "c"}]}],
        secrets={"upstream": "k"},
        resilience={"retries": {"attempts": 0}},
    )
    async with served(text) as router:
        yield router


async def begin(upstream: RawUpstream, events: list[bytes]) -> Conversation:
    """Take the request, and say the begin of an answer."""
    conversation = await upstream.accept()
    await conversation.request()
    await conversation.say(chunked(*events))
    return conversation


async def counted(router: Served) -> tuple[float, float]:
    """The tokens of the request, once it is over: input and output."""
    async with asyncio.timeout(30):
        while True:
            text = (await router.client.get("/metrics")).text
            if re.search(r"^airouter_requests_total\{.*model=\"m\".*\} 1.0$", text, re.MULTILINE):
                break
            await asyncio.sleep(0.01)
    kinds = dict(
        re.findall(r"^airouter_tokens_total\{.*kind=\"(\w+)\".*\} ([\d.]+)$", text, re.MULTILINE)
    )
    return float(kinds.get("input", 0)), float(kinds.get("output", 0))


def assert_counted(case: Case, tokens: tuple[float, float]) -> None:
    """The provider's own numbers, else the router's estimates."""
    size = len(json.dumps(body_for(case))) / 4
    expected_input = case.told_input or pytest.approx(size, abs=10)
    expected_output = case.told_output or pytest.approx(SIZE, rel=0.1)
    assert tokens == (expected_input, expected_output)


@pytest.mark.parametrize("name", CASES)
async def test_a_stream_that_breaks_off_counts_what_came(name: str, first: RawUpstream) -> None:
    case = CASES[name]
    async with asked_of(first, case.provider) as router:
        asking = asyncio.create_task(router.client.post(case.path, json=body_for(case)))
        (await begin(first, case.events)).hang_up()
        assert (await asking).status_code == 200
        assert_counted(case, await counted(router))


@pytest.mark.parametrize("name", CASES)
async def test_a_stream_that_the_client_leaves_counts_what_came(
    name: str, first: RawUpstream
) -> None:
    case = CASES[name]
    async with asked_of(first, case.provider) as router:
        taking = asyncio.create_task(begin(first, case.events))
        async with router.client.stream("POST", case.path, json=body_for(case)) as response:
            seen = b""
            async for piece in response.aiter_bytes():
                seen += piece
                if WORDS[-1].encode() in seen[-400:] and seen.count(b"tokens") >= 12:
                    break
        await (await taking).gone()
        assert_counted(case, await counted(router))
        metrics = (await router.client.get("/metrics")).text
        assert re.search(
            r"^airouter_requests_total\{.*status=\"499\".*\} 1.0$", metrics, re.MULTILINE
        )


@pytest.mark.parametrize("leaves", [False, True])
@pytest.mark.parametrize("name", ["responses", "responses-chat", "responses-messages"])
async def test_a_session_counts_what_came(name: str, first: RawUpstream, *, leaves: bool) -> None:
    case = CASES[name]
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    async with asked_of(first, case.provider) as router:
        url = f"ws://127.0.0.1:{router.port}/v1/responses"
        async with connect(url, additional_headers=headers, proxy=None) as connection:
            body = body_for(case) | {"type": "response.create"}
            await connection.send(json.dumps(body))
            conversation = await begin(first, case.events)
            seen = 0
            while seen < len(WORDS):
                seen += "output_text.delta" in str(await connection.recv())
            if not leaves:
                conversation.hang_up()
                while '"response.failed"' not in (text := str(await connection.recv())):
                    if '"type":"error"' in text:
                        break
        assert_counted(case, await counted(router))


async def test_a_provider_that_told_the_end_is_believed(first: RawUpstream) -> None:
    case = CASES["messages"]
    told = sse({"type": "message_delta", "delta": {}, "usage": {"output_tokens": 999}})
    async with asked_of(first, case.provider) as router:
        asking = asyncio.create_task(router.client.post(case.path, json=body_for(case)))
        (await begin(first, [*case.events, told])).hang_up()
        await asking
        assert await counted(router) == (TOLD_INPUT, 999)


async def test_a_long_stream_is_estimated_by_its_end(first: RawUpstream) -> None:
    for name in ("chat", "chat-usage"):
        case = CASES[name]
        async with asked_of(first, case.provider) as router:
            asking = asyncio.create_task(router.client.post(case.path, json=body_for(case)))
            (await begin(first, [case.events[0], *case.events[1:] * 20])).hang_up()
            await asking
            assert (await counted(router))[1] == pytest.approx(20 * SIZE, rel=0.15)


async def test_a_stream_that_breaks_before_its_first_piece_costs_nothing(
    first: RawUpstream,
) -> None:
    async with asked_of(first, OPENAI) as router:
        asking = asyncio.create_task(router.chat(stream=True))
        (await begin(first, [])).hang_up()
        assert (await asking).status_code == 502
        assert await counted(router) == (0, 0)


async def test_media_of_a_request_are_not_read_as_text(first: RawUpstream) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBOR" * 99_999}}
    messages = [{"role": "user", "content": [image]}]
    async with asked_of(first, OPENAI) as router:
        asking = asyncio.create_task(router.chat(stream=True, messages=messages))
        (await begin(first, [HI])).hang_up()
        await asking
        assert 500 < (await counted(router))[0] < 2_000


async def test_a_whole_stream_counts_what_the_provider_told(first: RawUpstream) -> None:
    async with asked_of(first, OPENAI) as router:
        asking = asyncio.create_task(router.chat(stream=True))
        await (await begin(first, [HI, USAGE, DONE])).say(END)
        await asking
        assert await counted(router) == (3, 2)
