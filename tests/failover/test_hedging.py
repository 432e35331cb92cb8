"""A second backend beside one that is slow."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from failover.faulty import OPENING, FaultyProvider, http, refusing, stalling
from failover.stage import CLIENTS, SHAPES, stage
from support.clouds import listening
from support.config import manifest
from support.in_loop import served

SOON = {"after": "200ms", "percent": 100}
SEEN = {"candidates": [{"content": {"parts": [{"text": "A cat."}]}, "finishReason": "STOP"}]}


async def tell_seen(writer: asyncio.StreamWriter, _: asyncio.Event) -> None:
    """An answer of Gemini's."""
    writer.write(http(200, SEEN))


async def cat(_request: web.Request) -> web.Response:
    return web.Response(body=b"cat" * 9, content_type="image/png")


@SHAPES
@CLIENTS
async def test_a_second_backend_answers_beside_a_slow_stream(api: str, shape: str) -> None:
    async with stage(shape, hedge=SOON) as found:
        found.first.always = stalling(OPENING)
        assert await found.stream(api) == "second"
        assert (found.first.asked, found.second.asked) == (1, 1)


@SHAPES
async def test_a_second_backend_answers_beside_a_slow_whole_answer(shape: str) -> None:
    async with stage(shape, hedge=SOON) as found:
        found.first.always = stalling()
        answer = await found.whole()
        assert answer.model == "second"


async def test_a_backend_that_answers_in_time_is_asked_alone() -> None:
    async with stage("backends", hedge={"after": "20s"}) as found:
        assert await found.ask() == "first"
        assert await found.ask(streamed=True) == "first"
        assert found.second.asked == 0


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_slow_one_counts_when_the_second_fails(*, streamed: bool) -> None:
    async with stage("backends", {"total": "1s", "connect": "1s"}, hedge=SOON) as found:
        found.first.always = stalling()
        found.second.faults.append(refusing(503))
        assert await found.ask(streamed=streamed) == "second"  # once the first has failed, too
        assert (found.first.asked, found.second.asked) == (1, 2)


async def test_a_second_backend_may_need_a_picture_that_the_first_one_took_by_its_url() -> None:
    async with (
        FaultyProvider("first").listening() as first,
        FaultyProvider("second").listening() as second,
        listening(cat) as site,
    ):
        first.always, second.always = stalling(), tell_seen
        key = {"name": "keys", "key": "upstream"}
        accounts: list[dict[str, Any]] = [
            {"name": "first", "type": "OpenAICompatible", "baseURL": first.base_url},
            {"name": "second", "type": "Gemini", "baseURL": second.base_url, "priority": 1},
        ]
        model = {"name": "m", "backends": [{"credential": each["name"]} for each in accounts]}
        text = manifest(
            [each | {"secretRef": key} for each in accounts],
            [model],
            secrets={"upstream": "k"},
            resilience={"hedge": SOON},
        )
        picture = {"type": "image_url", "image_url": {"url": f"{site}/cat.png"}}
        asked = {"model": "m", "messages": [{"role": "user", "content": [picture]}]}
        host = site.removeprefix("http://")
        async with served(text, fetch_allowed_hosts=[host]) as router:
            answer = await router.client.post("/v1/chat/completions", json=asked)
    assert answer.status_code == 200, answer.text
    assert (first.asked, second.asked) == (1, 1)
    assert answer.json()["choices"][0]["message"]["content"] == "A cat."
    assert router.router.held.held == 0
