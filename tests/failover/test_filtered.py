"""Answers that a provider's content filter withholds, with status 200: others may have them."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from failover.faulty import OPENING, SAID, Fault, chunk, completion, http, stalling, streaming
from failover.stage import CLIENTS, PATHS, Stage, body_for, stage
from support.config import MASTER_KEY

FILTERED = chunk("first", {}, "content_filter")
BY_CHOICE = ["contentFilter"]


def withholding(text: str) -> Fault:
    """A provider whose filter cut a whole answer after a text."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "content_filter"}
    body = {**completion(text), "choices": [choice]}

    async def answer(writer: asyncio.StreamWriter, _: asyncio.Event) -> None:
        writer.write(http(200, body))

    return answer


async def whole(found: Stage, api: str) -> tuple[int, str]:
    """Return the status and the body of a whole answer."""
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    body = {**body_for(api), "stream": False}
    async with httpx.AsyncClient(base_url=found.base_url, headers=headers) as client:
        answer = await client.post(PATHS[api], json=body, timeout=60)
    return answer.status_code, answer.text


@CLIENTS
async def test_a_fallback_answers_what_a_filter_cut(api: str) -> None:
    async with stage("fallback", fallbackOn=BY_CHOICE) as found:
        found.first.always = withholding("half of ")
        status, told = await whole(found, api)
        assert status == 200
        assert "second" in told
        assert "half of" not in told


@CLIENTS
async def test_a_fallback_streams_what_a_filter_withheld(api: str) -> None:
    async with stage("fallback", fallbackOn=BY_CHOICE) as found:
        found.first.always = streaming(OPENING, FILTERED)
        assert await found.stream(api) == "second"


async def test_who_got_a_part_of_a_filtered_stream_gets_no_other_answer() -> None:
    async with stage("fallback", fallbackOn=BY_CHOICE) as found:
        found.first.always = streaming(OPENING, SAID, then=(FILTERED,))
        assert await found.stream("chat") == "half of "
        assert found.second.asked == 0


@CLIENTS
@pytest.mark.parametrize("shape", ["fallback", "backends"])
async def test_nobody_else_is_asked_unless_that_is_wanted_and_there_is_another_model(
    shape: str, api: str
) -> None:
    reasons = BY_CHOICE if shape == "backends" else ["context", "unavailable"]
    async with stage(shape, fallbackOn=reasons) as found:
        found.first.always = withholding("half of ")
        status, told = await whole(found, api)
        assert status == 200
        assert "half of" in told
        assert found.second.asked == 0


async def test_what_the_last_fallback_withholds_is_told_as_it_is() -> None:
    async with stage("fallback", fallbackOn=BY_CHOICE) as found:
        found.first.always = withholding("half of ")
        found.second.always = withholding("a third of ")
        status, told = await whole(found, "chat")
        assert status == 200
        assert "a third of" in told


async def test_a_second_backend_beside_a_slow_one_may_withhold_an_answer_too() -> None:
    hedge = {"after": "50ms", "percent": 100}
    async with stage("fallback", fallbackOn=["unavailable", *BY_CHOICE], hedge=hedge) as found:
        found.first.always = stalling()
        found.second.always = withholding("a third of ")
        status, told = await whole(found, "chat")
        assert status == 200
        assert "a third of" in told
