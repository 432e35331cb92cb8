"""Streams that keep to no standard, or are none, seen by the official SDKs."""

from __future__ import annotations

import asyncio
import json

import pytest

from failover import test_errors_in_answers as errors
from failover.faulty import (
    DONE,
    OPENING,
    SAID,
    STOP,
    STREAM_HEAD,
    chunk,
    completion,
    http,
    streaming,
)
from failover.stage import CLIENTS, stage
from failover.test_streams import FAILED

EMPTY = [
    pytest.param(b"event: message\n\n", id="a name"),
    pytest.param(b"retry: 3000\n\n", id="a time to wait"),
    pytest.param(b"id: 7\n\n", id="an id"),
    pytest.param(b": queued\nevent: message\n\n", id="a comment and a name"),
    pytest.param(b"\r\n", id="a line end"),
]

SPOKEN: list[errors.Body] = [
    {"type": "message_start", "message": {"id": "msg_1", "usage": {"input_tokens": 3}}},
    {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "text", "text": errors.SAID},
    },
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
    {"type": "message_stop"},
]


@CLIENTS
@pytest.mark.parametrize("event", EMPTY)
async def test_an_event_without_data_fails_no_sdk(event: bytes, api: str) -> None:
    async with stage("backends") as found:
        found.first.always = streaming(event, OPENING, event, SAID, then=(event, STOP, DONE))
        assert await found.stream(api) == "half of "


@CLIENTS
async def test_a_mark_of_the_byte_order_costs_no_word(api: str) -> None:
    async with stage("backends") as found:
        begun = b"\xef\xbb\xbf" + chunk("first", {"role": "assistant", "content": "All "})
        found.first.always = streaming(begun, SAID, STOP, DONE)
        assert await found.stream(api) == "All half of "


@CLIENTS
async def test_what_cannot_be_read_after_the_last_word_costs_none(api: str) -> None:
    async with stage("backends") as found:
        unreadable = b'data: {"choices": [{"index": 0, "delta": {}}], "usage": "many"}\n\n'
        found.first.always = streaming(OPENING + SAID + STOP + unreadable + DONE)
        assert await found.stream(api) == "half of "


async def answered_whole(writer: asyncio.StreamWriter, _: asyncio.Event) -> None:
    writer.write(http(200, completion("All of it.")))


@CLIENTS
async def test_a_whole_answer_is_a_stream_for_who_asked_for_one(api: str) -> None:
    async with stage("backends") as found:
        found.first.always = answered_whole
        assert await found.stream(api) == "All of it."
        assert (found.first.asked, found.second.asked) == (1, 0)


STREAM_TYPES = [b"Text/Event-Stream; Charset=UTF-8", b"TEXT/EVENT-STREAM;charset=utf-8"]


@CLIENTS
@pytest.mark.parametrize("kind", STREAM_TYPES)
async def test_a_stream_is_one_in_whatever_case_its_type_is_written(kind: bytes, api: str) -> None:
    head = STREAM_HEAD.replace(b"text/event-stream", kind)

    async def speaking(writer: asyncio.StreamWriter, heard: asyncio.Event) -> None:
        writer.write(head + OPENING + SAID)
        await heard.wait()
        writer.write(STOP + DONE)
        writer.close()

    async with stage("backends") as found, asyncio.timeout(60):
        found.first.always = speaking
        assert await found.stream(api) == "half of "


@pytest.mark.parametrize("api", ["chat", "messages", "responses"])
@pytest.mark.parametrize("kind", [b"", b"content-type: text/plain\r\n"])
async def test_a_stream_that_does_not_say_it_is_one_is_told_as_one(kind: bytes, api: str) -> None:
    head = STREAM_HEAD.replace(b"content-type: text/event-stream\r\n", kind)
    events = SPOKEN if api == "messages" else errors.STREAMS[api]

    async def speaking(writer: asyncio.StreamWriter, _: asyncio.Event) -> None:
        data = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
        writer.write(head + data.encode())
        writer.close()

    async with errors.stage(api, names=("only",)) as (router, (only,)):
        only.always = speaking
        answer = await errors.ask(router, api, stream=True)
        assert answer.headers["content-type"] == "text/event-stream"
        assert errors.SAID in answer.text
        assert answer.text.startswith(("data: ", "event: "))


@CLIENTS
async def test_a_stream_is_a_whole_answer_for_who_asked_for_one(api: str) -> None:
    async with errors.stage(api, names=("only",)) as (router, (only,)):
        only.always = errors.streaming(*(SPOKEN if api == "messages" else errors.STREAMS[api]))
        answer = await errors.ask(router, api)
        assert answer.headers["content-type"] == "application/json"
        told = answer.json()
        if api == "responses":
            assert told == errors.ANSWERS[api] | {"id": told["id"]}
        else:
            said = told["choices"][0]["message"] if api == "chat" else told["content"][0]
            assert errors.SAID in said.values()
        assert only.asked == 1


@CLIENTS
async def test_an_error_in_place_of_a_stream_is_mended_by_another_provider(api: str) -> None:
    async with stage("backends") as found:
        body = {"error": {"message": "overloaded", "type": "server_error", "code": 503}}

        async def overloaded(writer: asyncio.StreamWriter, _: asyncio.Event) -> None:
            writer.write(http(200, body))

        found.first.always = overloaded
        assert await found.stream(api) == "second"
        assert (found.first.asked, found.second.asked) == (1, 1)


async def test_a_sign_of_life_is_not_the_beginning_of_an_answer() -> None:
    async with errors.stage("messages", names=("only",)) as (router, (only,)):
        only.always = errors.streaming({"type": "ping"}, *SPOKEN[1:])
        answer = await router.chat(stream=True)
        assert f'"content":"{errors.SAID}"' in answer.text
        assert '"finish_reason":"stop"' in answer.text
        assert '"role":"assistant"' in answer.text


RAW = b"""{
  "error": {
    "code": 503,
    "message": "This model is currently experiencing high demand.",
    "status": "UNAVAILABLE"
  }
}
"""
"""As Google ends a stream that it gives up."""


@CLIENTS
@pytest.mark.parametrize("end", [b"", b"\n"])
async def test_an_error_outside_of_any_event_says_what_it_is(end: bytes, api: str) -> None:
    async with stage("backends") as found:
        found.first.always = streaming(OPENING, SAID, then=(RAW + end,))
        with pytest.raises(FAILED, match="high demand"):
            await found.stream(api)


@CLIENTS
async def test_a_last_event_needs_no_line_after_it(api: str) -> None:
    async with stage("backends") as found:
        found.first.always = streaming(OPENING, SAID, STOP.rstrip())
        assert await found.stream(api) == "half of "
