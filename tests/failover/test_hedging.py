"""A second backend beside one that is slow."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from failover.faulty import OPENING, FaultyProvider, refusing, stalling
from failover.stage import CLIENTS, SHAPES, config, stage
from support.clouds import listening
from support.in_loop import served

SOON = {"after": "200ms", "percent": 100}


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


async def test_the_second_fetches_what_the_first_waits_for_and_lets_go_of_it() -> None:
    asked: list[web.Request] = []
    over = asyncio.Event()

    async def site(request: web.Request) -> web.Response:
        asked.append(request)
        if len(asked) == 1:
            await over.wait()
        return web.Response(body=b"%PDF" * 50_000, content_type="application/pdf")

    async with (
        FaultyProvider("first").listening() as first,
        FaultyProvider("second").listening() as second,
        listening(site) as url,
        served(
            config(first, second, "backends", {}, hedge=SOON),
            fetch_allowed_hosts=[url.removeprefix("http://")],
        ) as router,
    ):
        document = {"type": "document", "source": {"type": "url", "url": f"{url}/a.pdf"}}
        messages = [{"role": "user", "content": [document]}]
        body = {"model": "m", "max_tokens": 9, "messages": messages}
        answer = await router.client.post("/v1/messages", json=body)
        over.set()
        assert answer.status_code == 200
        assert (len(asked), first.asked, second.asked) == (2, 0, 1)
        async with asyncio.timeout(60):
            while router.router.held.held:
                await asyncio.sleep(0)
