"""A second backend beside one that is slow."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import pytest
from aiohttp import web

from failover.faulty import DONE, OPENING, SAID, STOP, FaultyProvider, http, refusing, say, stalling
from failover.stage import CLIENTS, SHAPES, Stage, stage
from failover.test_heartbeats import pieces
from support.clouds import listening
from support.config import manifest
from support.in_loop import Served, served

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


class Pictured(NamedTuple):
    """A router whose second backend has to fetch the picture of a request."""

    router: Served
    first: FaultyProvider
    second: FaultyProvider
    asked: dict[str, Any]


@contextlib.asynccontextmanager
async def pictured(
    site: Callable[[web.Request], Awaitable[web.Response]],
) -> AsyncIterator[Pictured]:
    """Serve a first backend that takes pictures by their URLs, and a second that wants bytes."""
    async with (
        FaultyProvider("first").listening() as first,
        FaultyProvider("second").listening() as second,
        listening(site) as url,
    ):
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
        picture = {"type": "image_url", "image_url": {"url": f"{url}/cat.png"}}
        asked = {"model": "m", "messages": [{"role": "user", "content": [picture]}]}
        async with served(text, fetch_allowed_hosts=[url.removeprefix("http://")]) as router:
            yield Pictured(router, first, second, asked)
    assert router.router.held.held == 0


async def test_a_second_backend_may_need_a_picture_that_the_first_one_took_by_its_url() -> None:
    async with pictured(cat) as found:
        found.first.always, found.second.always = stalling(), tell_seen
        answer = await found.router.client.post("/v1/chat/completions", json=found.asked)
        assert answer.status_code == 200, answer.text
        assert (found.first.asked, found.second.asked) == (1, 1)
        assert answer.json()["choices"][0]["message"]["content"] == "A cat."


async def test_a_second_backend_is_not_asked_for_what_the_first_answers_by_now() -> None:
    wanted, said, over = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def late_cat(request: web.Request) -> web.Response:
        wanted.set()
        await said.wait()
        return await cat(request)

    async def hesitate(writer: asyncio.StreamWriter, heard: asyncio.Event) -> None:
        await wanted.wait()
        await say(writer, heard, OPENING, SAID)
        await over.wait()
        writer.write(STOP + DONE)
        writer.close()

    async with asyncio.timeout(60), pictured(late_cat) as found:
        found.first.always, found.second.always = hesitate, tell_seen
        client, asked = found.router.client, {**found.asked, "stream": True}
        async with client.stream("POST", "/v1/chat/completions", json=asked) as stream:
            lines = stream.aiter_lines()
            while "half of" not in await anext(lines):
                pass
            said.set()
            for _ in range(20):  # by when it would have been asked
                await client.get("/health")
            over.set()
            assert [line async for line in lines][-2:] == ["data: [DONE]", ""]
        assert (found.first.asked, found.second.asked) == (1, 0)


class Crossing:
    """Two providers that have both begun, one of which speaks next, or both at the same moment."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []
        self.over = asyncio.Event()

    async def begin(self, writer: asyncio.StreamWriter, heard: asyncio.Event) -> None:
        await say(writer, heard, OPENING)
        self.writers.append(writer)
        await self.over.wait()

    async def both(self) -> list[asyncio.StreamWriter]:
        """Wait until the router has the beginnings of both, in the order in which it asked."""
        while len(self.writers) < 2:
            await asyncio.sleep(0)
        for _ in range(20):  # by when it has read the second one, too
            await asyncio.sleep(0)
        return self.writers


async def test_two_that_speak_at_the_same_moment_are_a_race_and_no_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    crossing = Crossing()
    async with asyncio.timeout(60), stage("backends", hedge=SOON) as found:
        found.first.always = found.second.always = crossing.begin
        asking = asyncio.create_task(found.ask(streamed=True))
        for writer in await crossing.both():
            writer.write(SAID + STOP + DONE)
        assert await asking == "half of "
        crossing.over.set()
    assert [each.getMessage() for each in caplog.records if each.name == "asyncio"] == []


@pytest.mark.parametrize("quicker", [0, 1])
async def test_a_stream_that_was_quicker_ends_though_its_provider_does_not_hang_up(
    quicker: int,
) -> None:
    crossing = Crossing()
    async with asyncio.timeout(60), stage("backends", hedge=SOON, heartbeat="1s") as found:
        found.first.always = found.second.always = crossing.begin
        asking = asyncio.create_task(all_of(found))
        writers = await crossing.both()
        writers[quicker].write(SAID + STOP + DONE)
        assert b"half of " in await asking
        crossing.over.set()


async def all_of(found: Stage) -> bytes:
    """A stream up to the end of its connection."""
    return b"".join([piece async for piece in pieces(found, "chat")])


@pytest.mark.parametrize("stream", [False, True])
async def test_a_response_of_a_second_backend_is_kept_where_the_first_would_have_kept_its_own(
    *, stream: bool
) -> None:
    async with (
        asyncio.timeout(60),
        FaultyProvider("first").listening() as first,
        FaultyProvider("second").listening() as second,
    ):
        first.always = stalling()
        key = {"name": "keys", "key": "upstream"}
        accounts = [
            {"name": "first", "type": "OpenAI", "baseURL": first.base_url, "secretRef": key},
            {"name": "second", "type": "Gemini", "baseURL": second.base_url, "secretRef": key},
        ]
        second.always = tell_seen
        models: list[dict[str, Any]] = [
            {"name": "m", "backends": [{"credential": "first"}], "fallbacks": ["other"]},
            {"name": "other", "backends": [{"credential": "second"}]},
        ]
        text = manifest(accounts, models, secrets={"upstream": "k"}, resilience={"hedge": SOON})
        async with served(text) as router:
            asked = {"model": "m", "input": "Hello!", "stream": stream}
            answer = await router.client.post("/v1/responses", json=asked)
            found = re.search(r'"id": ?"(resp_[^"]+)"', answer.text)
            assert found, answer.text
            kept = await router.client.get(f"/v1/responses/{found[1]}")
            assert kept.status_code == 200, kept.text
