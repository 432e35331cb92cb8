"""What a request goes on from is in memory like its body: it counts for its client, and is bounded.

The requests here are small. What they name is not.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.chat_provider import UPSTREAM_KEY
from support.config import MASTER_KEY, manifest
from support.in_loop import Served, served
from support.mock_router import MODEL
from support.mock_sessions import dial, last, say

KIB = 1_024
SETTINGS = {"max_body_bytes": 256 * KIB, "max_held_bytes": 1_536 * KIB}
LONG = "x" * (100 * KIB)
TIMES = 12
"""Requests, more than fit."""
OTHER = {"authorization": "Bearer sk-other"}
STALLED = "stalled"
"""A model whose provider takes requests, and says nothing until the test is over."""


class Stalled:
    """A provider that answers when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r")[0]))
        self.asked += 1
        await self.may_answer.wait()
        writer.write(
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
        )
        writer.close()


@contextlib.asynccontextmanager
async def stalled() -> AsyncIterator[tuple[Served, Stalled]]:
    """A router of a model that echoes, and of one that nobody has an answer of."""
    provider = Stalled()
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    key = {"secretRef": {"name": "keys", "key": "upstream"}}
    other = {"name": "other", "secretRef": {"name": "keys", "key": "other"}}
    config = manifest(
        [
            {"name": "mock", "type": "Mock"},
            {"name": STALLED, "type": "OpenAICompatible", "baseURL": url, **key},
        ],
        [
            {"name": MODEL, "backends": [{"credential": "mock"}]},
            {"name": STALLED, "backends": [{"credential": STALLED}]},
        ],
        secrets={"upstream": UPSTREAM_KEY, "other": "sk-other"},
    ).replace('"masterKey"', f'"clients": [{json.dumps(other)}], "masterKey"', 1)
    try:
        async with served(config, **SETTINGS) as router:
            try:
                yield router, provider
            finally:
                provider.may_answer.set()
    finally:
        server.close()


async def respond(router: Served, **fields: Any) -> tuple[int, dict[str, Any]]:
    """The status and the body of a response."""
    given = {"authorization": f"Bearer {MASTER_KEY}"}
    got = await router.client.post("/v1/responses", json=fields, headers=given, timeout=60)
    return got.status_code, json.loads(got.content)


async def refused_among(router: Served, provider: Stalled, **fields: Any) -> int:
    """Ask many times at once, and return how many were told at once that it is too much."""
    asking = [asyncio.create_task(respond(router, model=STALLED, **fields)) for _ in range(TIMES)]
    refused = 0
    async with asyncio.timeout(60):
        while refused + provider.asked < TIMES:
            await asyncio.sleep(0.01)
            refused = sum(task.done() for task in asking)
    assert all(task.result()[0] == 503 for task in asking if task.done())
    body = {"model": MODEL, "input": LONG}
    got = await router.client.post("/v1/responses", json=body, headers=OTHER)
    assert got.status_code == 200
    provider.may_answer.set()
    await asyncio.gather(*asking)
    async with asyncio.timeout(60):
        while router.router.admission.held.held:
            await asyncio.sleep(0.01)
    return refused


async def test_many_requests_that_go_on_from_a_long_response_are_too_much_of_one_client() -> None:
    async with stalled() as (router, provider):
        _, first = await respond(router, model=MODEL, input=LONG)
        refused = await refused_among(
            router, provider, previous_response_id=first["id"], input="and?"
        )
    assert 0 < refused < TIMES


async def test_many_requests_with_references_to_a_long_item_are_too_much_of_one_client() -> None:
    async with stalled() as (router, provider):
        _, first = await respond(router, model=MODEL, input=LONG)
        item = {"type": "item_reference", "id": first["output"][0]["id"]}
        refused = await refused_among(router, provider, input=[item])
    assert 0 < refused < TIMES


async def test_many_requests_in_a_long_conversation_are_too_much_of_one_client() -> None:
    async with stalled() as (router, provider):
        items = [{"role": "user", "content": LONG}]
        made = await router.client.post("/v1/conversations", json={"items": items})
        named = {"conversation": made.json()["id"], "input": "and?"}
        refused = await refused_among(router, provider, **named)
    assert 0 < refused < TIMES


async def test_a_request_of_which_nothing_is_kept_is_held_as_often_as_a_chat() -> None:
    async with stalled() as (router, provider):
        asked = {"model": STALLED, "input": "x" * (120 * KIB), "store": False}
        asking = [asyncio.create_task(respond(router, **asked)) for _ in range(3)]
        async with asyncio.timeout(60):
            while provider.asked < 3 and not any(task.done() for task in asking):
                await asyncio.sleep(0.01)
        assert provider.asked == 3
        provider.may_answer.set()
        await asyncio.gather(*asking)


async def test_many_lanes_that_go_on_from_what_a_session_remembers_are_too_much() -> None:
    async with stalled() as (router, provider), dial(router) as connection:
        await say(connection, input=LONG, store=False)
        known = (await last(connection))["response"]["id"]
        for number in range(TIMES):
            on = {"previous_response_id": known, "stream_id": f"lane-{number}"}
            await say(connection, model=STALLED, input="and?", store=False, **on)
        refused = 0
        async with asyncio.timeout(60):
            while refused + provider.asked < TIMES:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.01):
                        told = json.loads(await connection.recv())
                        assert told["status"] == 503
                        refused += 1
    assert 0 < refused < TIMES


async def test_a_session_goes_on_from_a_message_of_the_largest_size() -> None:
    async with stalled() as (router, _), dial(router) as connection:
        short = {"mock_reply": "text:yes"}
        await say(connection, input="x" * (250 * KIB), metadata=short, store=False)
        known = (await last(connection))["response"]["id"]
        await say(connection, input="and?", previous_response_id=known, store=False)
        assert (await last(connection))["type"] == "response.completed"


async def test_many_long_responses_in_the_background_are_too_much_of_one_client() -> None:
    async with stalled() as (router, provider):
        statuses = []
        for _ in range(TIMES):
            status, made = await respond(router, model=STALLED, input=LONG, background=True)
            statuses.append(status)
        assert statuses[0] == 200
        assert statuses[-1] == 503, made
        provider.may_answer.set()
        async with asyncio.timeout(60):
            while router.router.admission.held.held:
                await asyncio.sleep(0.01)
        assert (await respond(router, model=MODEL, input=LONG, background=True))[0] == 200


async def test_a_response_in_the_background_that_was_taken_on_has_room() -> None:
    async with stalled() as (router, _):
        asked = {"model": MODEL, "input": "x" * (120 * KIB), "background": True, "stream": True}
        got = await router.client.post("/v1/responses", json=asked, timeout=60)
        assert got.status_code == 200
        assert "event: response.completed" in got.text, got.text[-500:]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_that_goes_on_from_a_body_of_the_largest_size_is_let_in(
    stream: bool,
) -> None:
    async with stalled() as (router, _):
        largest = "x" * (250 * KIB)
        short = {"mock_reply": "text:yes"}
        _, first = await respond(router, model=MODEL, input=largest, metadata=short)
        named = {"previous_response_id": first["id"], "input": "and?", "stream": stream}
        got = await router.client.post("/v1/responses", json={"model": MODEL, **named}, timeout=60)
        assert got.status_code == 200
