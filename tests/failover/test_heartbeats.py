"""Signs of life in streams that are silent, seen by the official SDKs and on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import anthropic
import httpx
import openai
import pytest

from airouter.streaming import heartbeats
from failover.faulty import (
    OPENING,
    SAID,
    STOP,
    Fault,
    completion,
    http,
    refusing,
    say,
    stalling,
)
from failover.stage import CLIENTS, PATHS, Stage, body_for, stage
from support.config import MASTER_KEY

OFTEN = "100ms"
BEATS = {
    "chat": b": ping\n\n",
    "responses": b": ping\n\n",
    "messages": b'event: ping\ndata: {"type":"ping"}\n\n',
}


def waiting(release: asyncio.Event, *before: bytes) -> Fault:
    """A provider that says something, and is silent until it is released."""

    async def answer(writer: asyncio.StreamWriter, heard: asyncio.Event) -> None:
        if before:
            await say(writer, heard, *before)
        await release.wait()
        rest = (OPENING, SAID, STOP)[len(before) :]
        if before:
            writer.write(b"".join(rest))
        else:
            await say(writer, heard, *rest)
        writer.close()

    return answer


async def pieces(found: Stage, api: str) -> AsyncIterator[bytes]:
    """What comes over the wire."""
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    async with (
        httpx.AsyncClient(base_url=found.base_url, headers=headers, trust_env=False) as client,
        client.stream("POST", PATHS[api], json=body_for(api), timeout=60) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-request-id"]
        async for piece in response.aiter_raw():
            yield piece


@CLIENTS
@pytest.mark.parametrize("before", [(), (OPENING, SAID)], ids=["the first event", "the next one"])
async def test_a_client_that_waits_for_an_event_gets_signs_of_life(
    before: tuple[bytes, ...], api: str
) -> None:
    release = asyncio.Event()
    async with stage("backends", heartbeat=OFTEN) as found:
        found.first.always = waiting(release, *before)
        data = b""
        async for piece in pieces(found, api):
            data += piece
            if data.count(BEATS[api]) == 2:
                release.set()
        assert release.is_set()
        assert b"half of" in data


def waiting_whole(release: asyncio.Event, *, head_first: bool) -> Fault:
    """A provider that answers as a whole, once it is released, perhaps after its head."""
    head, end, body = http(200, completion("All of it.")).partition(b"\r\n\r\n")

    async def answer(writer: asyncio.StreamWriter, _: asyncio.Event) -> None:
        if head_first:
            writer.write(head + end)
        await release.wait()
        writer.write(body if head_first else head + end + body)

    return answer


@CLIENTS
@pytest.mark.parametrize("head_first", [True, False], ids=["after its head", "before its head"])
async def test_a_whole_answer_after_signs_of_life_is_told_in_the_stream(
    head_first: bool, api: str
) -> None:
    release = asyncio.Event()
    async with stage("backends", heartbeat=OFTEN) as found:
        found.first.always = waiting_whole(release, head_first=head_first)
        data = b""
        async with asyncio.timeout(60):
            async for piece in pieces(found, api):
                data += piece
                if BEATS[api] in data:
                    release.set()
        assert b"All of it." in data
        assert b"HTTP/1.1" not in data
        assert (found.first.asked, found.second.asked) == (1, 0)


@CLIENTS
async def test_the_sdks_take_signs_of_life(api: str) -> None:
    release = asyncio.Event()
    async with stage("backends", heartbeat=OFTEN) as found:
        found.first.always = waiting(release)
        asking = asyncio.create_task(found.stream(api))
        async for piece in pieces(found, api):  # which is told as often
            if BEATS[api] in piece:
                release.set()
        assert await asking == "half of "


@pytest.mark.parametrize("again", [False, True], ids=["by who asked", "by who comes back"])
async def test_who_follows_a_response_in_the_background_gets_signs_of_life(again: bool) -> None:
    release = asyncio.Event()
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    async with (
        stage("backends", heartbeat=OFTEN) as found,
        httpx.AsyncClient(base_url=found.base_url, headers=headers, trust_env=False) as client,
        asyncio.timeout(60),
    ):
        found.first.always = waiting(release)
        body = {**body_for("responses"), "background": True, "stream": not again}
        following = client.stream("POST", PATHS["responses"], json=body)
        if again:
            asked = await client.post(PATHS["responses"], json=body)
            path = f"{PATHS['responses']}/{asked.json()['id']}"
            following = client.stream("GET", path, params={"stream": "true"})
        data = b""
        async with following as response:
            async for piece in response.aiter_raw():
                data += piece
                if data.count(BEATS["responses"]) == 2:
                    release.set()
        assert release.is_set()
        assert b"response.completed" in data


@CLIENTS
async def test_another_provider_can_answer_after_signs_of_life(api: str) -> None:
    async with stage("backends", {"firstByte": "400ms"}, heartbeat=OFTEN) as found:
        found.first.always = stalling()
        data = b"".join([piece async for piece in pieces(found, api)])
        assert data.startswith(BEATS[api])
        assert b"second" in data


@CLIENTS
async def test_a_failure_after_signs_of_life_is_told_in_the_stream(api: str) -> None:
    async with stage("backends", {"firstByte": "400ms"}, heartbeat=OFTEN) as found:
        found.first.always = stalling()
        found.second.always = refusing(400)
        with pytest.raises((openai.APIError, anthropic.APIError)):
            await found.stream(api)


@CLIENTS
async def test_a_provider_that_says_nothing_in_its_time_fails_with_a_status(
    api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeats, "FAILOVER_TIME", 60.0)  # as a machine may be slow
    async with stage("backends", {"firstToken": "600ms"}, heartbeat=OFTEN) as found:
        found.first.always = stalling()
        found.second.always = refusing(400)
        with pytest.raises((openai.BadRequestError, anthropic.BadRequestError)):
            await found.stream(api)


async def test_signs_of_life_begin_once_the_time_for_the_first_token_is_over() -> None:
    release = asyncio.Event()
    async with stage("backends", {"firstToken": "600ms"}, heartbeat=OFTEN) as found:
        found.first.always = stalling()
        found.second.always = waiting(release)
        data = b""
        async for piece in pieces(found, "chat"):
            data += piece
            if BEATS["chat"] in data:
                release.set()
        assert data.startswith(BEATS["chat"])
        assert b"half of" in data


@CLIENTS
async def test_a_stream_ends_with_a_failure_after_signs_of_life(api: str) -> None:
    async with stage("backends", {"firstByte": "400ms"}, heartbeat=OFTEN) as found:
        found.first.always = stalling()
        found.second.always = refusing(400)
        async with asyncio.timeout(60):  # which nothing but a stream without an end takes
            data = b"".join([piece async for piece in pieces(found, api)])
        assert b'"error"' in data.removeprefix(BEATS[api])


@CLIENTS
async def test_an_answer_that_is_whole_waits_for_no_provider_to_hang_up(api: str) -> None:
    async with stage("backends", heartbeat=OFTEN) as found:
        found.first.always = stalling(OPENING, SAID, STOP)
        assert await found.stream(api) == "half of "


async def test_nothing_is_sent_where_heartbeats_are_off() -> None:
    async with stage("backends", {"firstByte": "400ms"}, heartbeat="0s") as found:
        found.first.always = stalling()
        data = b"".join([piece async for piece in pieces(found, "chat")])
        assert BEATS["chat"] not in data
