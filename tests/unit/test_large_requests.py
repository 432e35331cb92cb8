"""Large requests wait for each other, and nobody else for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest

from airouter.attempts.encoding import encoded_large
from airouter.config.snapshot import Parameters
from airouter.dialects import chat, messages
from airouter.dialects.client_request import (
    MOST_FIELDS,
    MOST_VALUES,
    MOST_WIDE,
    Edits,
    parse_client_request,
)
from airouter.dialects.conversation import Destination
from airouter.dialects.long_texts import MOST_MADE
from airouter.dialects.translation.client_apis import ServedModel, between
from airouter.eventloop.aside import LARGE
from airouter.eventloop.turns import HEAVY
from support.config import mock_manifest
from support.in_loop import Served, served
from support.mock_sessions import dial, heard

LONG = "word " * (HEAVY // 4)
MODEL = ServedModel("m", Destination(model="claude-sonnet-4-5"), Edits(Parameters()), {})
SAID = {"role": "user", "content": LONG}

Send = Callable[[Served, str], Awaitable[httpx.Response]]


def post(path: str, **fields: Any) -> Send:
    """A request with a body."""

    async def send(router: Served, earlier: str) -> httpx.Response:
        body = msgspec.json.encode({"model": "m", **fields}).replace(b"EARLIER", earlier.encode())
        return await router.client.post(path, content=body)

    return send


async def input_items(router: Served, earlier: str) -> httpx.Response:
    """The list of what an earlier response was asked."""
    return await router.client.get(f"/v1/responses/{earlier}/input_items")


REQUESTS: dict[str, Send] = {
    "a chat": post("/v1/chat/completions", messages=[SAID]),
    "messages": post("/v1/messages", messages=[SAID], max_tokens=9),
    "a response": post("/v1/responses", input=LONG, store=False),
    "a continuation": post("/v1/responses", input="hi", previous_response_id="EARLIER"),
    "a count of messages": post("/v1/messages/count_tokens", messages=[SAID]),
    "a count of a response": post("/v1/responses/input_tokens", input=LONG),
    "a conversation": post("/v1/conversations", items=[{"type": "message", **SAID}]),
    "a compaction": post("/v1/responses/compact", input=[SAID]),
    "broken JSON": post("/v1/chat/completions", messages=[SAID], more=msgspec.Raw(b"{")),
    "a list of input": input_items,
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_small_request_is_answered_while_a_large_one_waits(name: str) -> None:
    opened = threading.Event()
    async with served(mock_manifest("m")) as router:
        made = await router.client.post("/v1/responses", json={"model": "m", "input": LONG})
        holding = asyncio.create_task(router.router.aside.run(opened.wait))
        await asyncio.sleep(0)
        large = asyncio.ensure_future(REQUESTS[name](router, made.json()["id"]))
        for _ in range(3):
            assert (await router.chat()).status_code == 200
        assert not large.done()
        opened.set()
        await holding
        assert (await large).status_code == (400 if name == "broken JSON" else 200)


async def test_a_large_message_of_a_session_is_read_while_others_are_answered() -> None:
    opened = threading.Event()
    async with served(mock_manifest("m")) as router, dial(router, max_size=None) as session:
        holding = asyncio.create_task(router.router.aside.run(opened.wait))
        await session.send('{"type":"response.create","model":"m","input":"' + LONG)
        hearing = asyncio.create_task(heard(session))
        try:
            for _ in range(10):
                assert (await router.chat()).status_code == 200
            assert not hearing.done()
        finally:
            opened.set()  # else the thread holds the test up
        await holding
        assert (await hearing)["error"]["code"] == "invalid_json"


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","messages":[%b1]}' % (b"1," * MOST_VALUES),
        b'{"model":"m","messages":[%b1]}' % (b"[]," * (MOST_VALUES // 2)),
        b'{"model":"m","messages":[],"metadata":{%b}}'
        % b",".join(b'"%d":1' % n for n in range(MOST_VALUES // 2)),
        b'{%b"model":"m"}'
        % b"".join(b'"a field with a long name %0300d":1,' % n for n in range(MOST_FIELDS)),
    ],
    ids=["numbers", "lists", "names", "fields"],
)
async def test_a_large_body_of_too_many_values_is_refused(body: bytes) -> None:
    assert len(body) > LARGE
    async with served(mock_manifest("m")) as router:
        answer = await router.client.post("/v1/chat/completions", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "too_many_values"


@pytest.mark.parametrize("wide", ["\U0001f600".encode(), b"\\u4e2d"])
async def test_a_text_that_takes_many_times_its_bytes_is_refused(wide: bytes) -> None:
    chat = (
        b'{"model":"m","messages":[{"role":"user","content":"%b"},{"role":"user","content":"%b"}]}'
    )
    long = b"x" * MOST_WIDE
    async with served(mock_manifest("m")) as router:
        answer = await router.client.post(
            "/v1/chat/completions", content=chat % (b"x", long + wide)
        )
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "string_above_max_length"
        answer = await router.client.post("/v1/chat/completions", content=chat % (wide, long))
        assert answer.status_code == 200


async def test_texts_that_one_of_them_would_widen_are_refused_where_they_may_be_joined() -> None:
    messages = [{"role": "user", "content": text} for text in ("\U0001f600", "x" * MOST_MADE)]
    asked = {"model": "m", "max_tokens": 9, "messages": messages}
    async with served(mock_manifest("m")) as router:
        answer = await router.client.post("/v1/messages", json=asked)
        assert answer.status_code == 400
        assert "texts in a row" in answer.json()["error"]["message"]
        messages.insert(1, {"role": "assistant", "content": "ok"})
        answer = await router.client.post("/v1/messages", json=asked)
        assert answer.status_code == 200


async def test_nothing_is_kept_of_the_turns_of_a_large_request_but_its_body() -> None:
    body = msgspec.json.encode({"model": "m", "messages": [SAID], "user": "me"})
    translation = between(chat.CLIENT, messages.UPSTREAM, MODEL)
    request = parse_client_request(body)
    (first,) = encoded_large(translation, request)[1]
    assert not request.conversations
    assert all(not frame.turns for frame in request.frames.values())
    assert encoded_large(translation, request) == ([], [first])  # where it is tried again
