"""An answered request is over: no reference cycle keeps it until the garbage collector runs."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from itertools import product
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from support.chat_provider import (
    ANSWER,
    DONE,
    END,
    HI,
    USAGE,
    chunked,
    credential,
    event,
    http,
)
from support.config import MASTER_KEY, manifest, mock_manifest
from support.garbage import garbage
from support.in_loop import Served, served
from support.mock_router import MODEL
from support.mock_sessions import dial, last, say
from support.raw_upstream import Conversation, RawUpstream, raw_upstream

TIMES = 3
CHAT = "/v1/chat/completions"
BODIES: dict[str, dict[str, Any]] = {
    CHAT: {},
    "/v1/responses": {},
    "/v1/messages": {"max_tokens": 9},
}
STREAM: dict[str, Any] = {"stream": True}
SIZES = (1, 2 << 20)
"""Characters of a prompt: one that is served at the edge, and one that comes by ASGI."""
DOWN = {"error": {"message": "down"}}
COMPLETED = '{"type":"response.completed","response":{"id":"resp_1"}}'
SILENT: dict[str, Any] = {"timeouts": {"firstByte": "50ms", "idle": "50ms", "total": "1s"}}


async def play(upstream: RawUpstream, data: bytes, *, cut: bool) -> None:
    """Answer every request with the same bytes; `cut` the connection after them."""

    async def converse(conversation: Conversation) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await conversation.request():
                await conversation.say(data)
                if cut:
                    conversation.reset()

    async with asyncio.TaskGroup() as group:
        while True:
            with contextlib.suppress(TimeoutError):
                group.create_task(converse(await upstream.accept()))


@contextlib.asynccontextmanager
async def answering(data: bytes, *, cut: bool = False, **fields: Any) -> AsyncIterator[Served]:
    """A router in front of two providers that always answer the same."""
    async with raw_upstream() as first, raw_upstream() as second:
        credentials = [credential("c0", first, **fields), credential("c1", second, **fields)]
        backends = [{"credential": "c0"}, {"credential": "c1"}]
        retries = {"retries": {"attempts": 2, "backoff": {"initial": "1ms", "max": "2ms"}}}
        text = manifest(
            credentials,
            [{"name": "m", "backends": backends}],
            secrets={"upstream": "k"},
            resilience=retries,
        )
        playing = [asyncio.create_task(play(each, data, cut=cut)) for each in (first, second)]
        try:
            async with served(text) as router:
                yield router
        finally:
            for task in playing:
                task.cancel()
            await asyncio.gather(*playing, return_exceptions=True)


def said(path: str, size: int = 1) -> dict[str, Any]:
    """A request with a prompt of so many characters."""
    prompt = [{"role": "user", "content": "x" * size}]
    return {"model": "m", "input" if "responses" in path else "messages": prompt, **BODIES[path]}


async def ask(
    router: Served, path: str, body: dict[str, Any], *, leaves_after: bytes | None = None
) -> bytes:
    """Ask on a connection of its own; a client may leave once it has read some bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", router.port)
    data = json.dumps(body).encode()
    writer.write(
        b"POST %b HTTP/1.1\r\nhost: x\r\nx-api-key: %b\r\nconnection: close\r\n"
        b"content-length: %d\r\n\r\n%b" % (path.encode(), MASTER_KEY.encode(), len(data), data)
    )
    try:
        async with asyncio.timeout(30):
            if leaves_after is None:
                return await reader.read()
            return await reader.readuntil(leaves_after) if leaves_after else b""
    finally:
        writer.transport.abort()


async def settled(router: Served) -> None:
    """Wait until the router has nothing in hand."""
    async with asyncio.timeout(30):
        while router.router.connections() or any(router.router.in_flight().values()):
            await asyncio.sleep(0.01)
    for _ in range(20):  # for the callbacks of connections that have just closed
        await asyncio.sleep(0.002)


async def left_by(
    router: Served, *asked: tuple[str, dict[str, Any]], **options: Any
) -> dict[str, int]:
    """Ask all a few times. Return what is garbage afterwards."""
    for path, body in asked:  # the first time loads and opens things
        await ask(router, path, body, **options)
    await settled(router)
    with garbage() as found:
        for path, body in asked * TIMES:
            await ask(router, path, body, **options)
        await settled(router)
    return dict(found)


@pytest.mark.parametrize(
    ("data", "body", "cut"),
    [
        pytest.param(http(200, ANSWER), {}, False, id="success"),
        pytest.param(http(503, DOWN), {}, False, id="503 with retries"),
        pytest.param(http(400, DOWN), {}, False, id="400"),
        pytest.param(http(401, DOWN), {}, False, id="401"),
        pytest.param(http(200, b"<html>"), {}, False, id="no JSON"),
        pytest.param(b"nonsense", {}, True, id="no HTTP"),
        pytest.param(http(200, ANSWER)[:-9], {}, True, id="cut answer"),
        pytest.param(chunked(HI, USAGE, DONE) + END, STREAM, False, id="stream"),
        pytest.param(chunked(HI), STREAM, True, id="cut stream"),
        pytest.param(chunked(event(error=DOWN)) + END, STREAM, False, id="error in a stream"),
        pytest.param(chunked() + END, STREAM, False, id="empty stream"),
        pytest.param(http(200, ANSWER), {"messages": 3, "input": 3}, False, id="refused by us"),
        pytest.param(b"", {"model": "none"}, False, id="unknown model"),
    ],
)
async def test_nothing_is_left_of_a_request(
    data: bytes, body: dict[str, Any], *, cut: bool
) -> None:
    async with answering(data, cut=cut) as router:
        asked = [(path, said(path, size) | body) for path, size in product(BODIES, SIZES)]
        assert await left_by(router, *asked) == {}


@pytest.mark.parametrize("body", [{}, STREAM])
async def test_nothing_is_left_of_a_refused_connection(body: dict[str, Any]) -> None:
    async with answering(b"", baseURL="http://127.0.0.1:9/v1") as router:
        assert await left_by(router, (CHAT, said(CHAT) | body)) == {}


@pytest.mark.parametrize("data", [b"", chunked(HI)], ids=["no first byte", "silence"])
async def test_nothing_is_left_of_a_timeout(data: bytes) -> None:
    async with answering(data, **SILENT) as router:
        assert await left_by(router, (CHAT, said(CHAT) | STREAM)) == {}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("data", [b"", chunked(HI)], ids=["before", "within"])
async def test_nothing_is_left_of_a_client_that_leaves(data: bytes, size: int) -> None:
    async with answering(data) as router:
        asked = (CHAT, said(CHAT, size) | STREAM)
        assert await left_by(router, asked, leaves_after=data and b"Hi") == {}


LONG = [{"role": "user", "content": "one two"}, {"role": "assistant", "content": "three four"}]
TRIGGER = {"input": [*LONG, {"type": "compaction_trigger"}]}
GONE = {"input": "one", "previous_response_id": "resp_gone"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/v1/responses", TRIGGER, id="compaction"),
        pytest.param("/v1/responses/compact", {"input": LONG}, id="compact"),
        pytest.param("/v1/responses", {"input": "one", "background": True}, id="job"),
        pytest.param("/v1/responses", {"input": "one", "background": True} | STREAM, id="followed"),
        pytest.param("/v1/responses", GONE, id="unknown chain"),
        pytest.param("/v1/responses/resp_gone/cancel", {}, id="unknown response"),
        pytest.param("/v1/embeddings", {"input": ["a", "b"]}, id="embeddings"),
    ],
)
async def test_nothing_is_left_of_a_request_that_the_router_works_on(
    path: str, body: dict[str, Any]
) -> None:
    async with served(mock_manifest(MODEL)) as router:
        assert await left_by(router, (path, {"model": MODEL} | body)) == {}


@pytest.mark.parametrize("fields", [{"input": "one"}, {"input": 3}], ids=["answered", "refused"])
async def test_nothing_is_left_of_a_turn_over_a_websocket(fields: dict[str, Any]) -> None:
    async with served(mock_manifest(MODEL)) as router:
        assert await left_by_turns(router, fields) == {}


@pytest.mark.parametrize("says", [COMPLETED, '{"type":"error","status":503}', "nonsense"])
async def test_nothing_is_left_of_a_turn_over_two_websockets(says: str) -> None:
    async def take(connection: ServerConnection) -> None:
        async for _ in connection:
            await connection.send(says)

    async with serve(take, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        session = {"name": "c", "type": "OpenAI", "baseURL": url, "api": ["responses-ws"]}
        secret = {"secretRef": {"name": "keys", "key": "upstream"}}
        models = [{"name": MODEL, "backends": [{"credential": "c"}]}]
        async with served(
            manifest([session | secret], models, secrets={"upstream": "k"})
        ) as router:
            assert await left_by_turns(router, {"input": "one"}) == {}


async def left_by_turns(router: Served, fields: dict[str, Any]) -> dict[str, int]:
    """Take a few turns in sessions. Return what is garbage afterwards."""

    async def turn() -> None:
        async with dial(router) as connection:
            for _ in range(2):
                await say(connection, **fields)
                await last(connection)

    await turn()
    await settled(router)
    with garbage() as found:
        for _ in range(TIMES):
            await turn()
        await settled(router)
    return dict(found)
