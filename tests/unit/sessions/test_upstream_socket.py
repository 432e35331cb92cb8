"""Lines to a provider that is played by hand: what it may say, and what is made of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection, serve

from airouter.config.snapshot import Credential
from airouter.eventloop.outbox import Outbox
from airouter.interfaces import BrokenReply, Reply
from airouter.sessions.upstream_socket import SessionRequest
from airouter.sessions.upstream_sockets import UpstreamSockets
from airouter.upstream.pool import Pool
from airouter.upstream.pools import Pools

CREDENTIAL = Credential(name="c", type="OpenAI", api=("responses-ws",))
BODY = b'{"model":"m","input":"Hi","stream":true}'
COMPLETED = '{"type":"response.completed","response":{"id":"resp_1"}}'


class Provider:
    """Says a row of messages to each request, and keeps count."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.connections: list[ServerConnection] = []
        self.asked: list[dict[str, Any]] = []
        self.heard = asyncio.Event()

    async def take(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        async for message in connection:
            self.asked.append(json.loads(message))
            self.heard.set()
            for answer in self.answers.pop(0):
                await connection.send(answer)


@contextlib.asynccontextmanager
async def lines_to(provider: Provider) -> AsyncIterator[tuple[UpstreamSockets, Pool]]:
    async with serve(provider.take, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        outbox = Outbox(asyncio.get_running_loop())
        pools = Pools(outbox, max_connections=1, body_limit=1 << 20, proxies={})
        lines, pool = UpstreamSockets(), pools.pool_for(CREDENTIAL, f"http://127.0.0.1:{port}")
        assert isinstance(pool, Pool)
        yield lines, pool
        lines.close()


async def ask(lines: UpstreamSockets, pool: Pool, credential: Credential = CREDENTIAL) -> Reply:
    async with asyncio.timeout(30):
        asking = SessionRequest(credential, BODY, None)
        return await lines.ask(asking, None, pool, b"/v1/responses", b"")


async def relayed(reply: Reply) -> bytes:
    pieces: list[bytes] = []
    async with asyncio.timeout(30):
        await reply.relay(pieces.append)
    return b"".join(pieces)


async def test_a_request_says_nothing_that_belongs_to_http() -> None:
    provider = Provider([COMPLETED])
    async with lines_to(provider) as (lines, pool):
        reply = await ask(lines, pool)
        assert (reply.status, reply.headers) == (200, {b"content-type": b"text/event-stream"})
        assert await relayed(reply) == f"\ndata: {COMPLETED}\n\n".encode()
    assert provider.asked == [{"type": "response.create", "model": "m", "input": "Hi"}]


async def test_json_on_several_lines_is_one_event() -> None:
    event = json.dumps(json.loads(COMPLETED), indent=2)
    async with lines_to(Provider([event])) as (lines, pool):
        data = await relayed(await ask(lines, pool))
    assert data.count(b"\n") == 3
    assert json.loads(data.strip().removeprefix(b"data:")) == json.loads(COMPLETED)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"status": 404, "error": {"message": "No."}}, 404),
        ({"error": {"message": "No."}}, 502),
        ({"status": 200, "error": {"message": "No."}}, 502),
        ({"code": "flat", "message": "No.", "param": None, "sequence_number": 0}, 502),
    ],
)
async def test_an_error_before_the_first_event_has_a_status(
    error: dict[str, Any], status: int
) -> None:
    provider = Provider([json.dumps({"type": "error", **error})], [COMPLETED])
    async with lines_to(provider) as (lines, pool):
        refused = await ask(lines, pool)
        assert refused.status == status
        assert json.loads(await refused.read())["type"] == "error"
        assert (await ask(lines, pool)).status == 200
    assert len(provider.connections) == 1


@pytest.mark.parametrize("garbage", ["[]", "{", '{"type":5}', '{"type":"error","status":"x"}'])
async def test_what_is_no_event_breaks_the_reply(garbage: str) -> None:
    provider = Provider([garbage], [COMPLETED])
    async with lines_to(provider) as (lines, pool):
        with pytest.raises(BrokenReply, match="no event"):
            await ask(lines, pool)
        assert (await ask(lines, pool)).status == 200
    assert len(provider.connections) == 2


async def test_an_error_that_nobody_asked_for_ends_the_line() -> None:
    provider = Provider([COMPLETED], [COMPLETED])
    async with lines_to(provider) as (lines, pool):
        await relayed(await ask(lines, pool))
        (first,) = provider.connections
        await first.send('{"type":"some.notice","text":"which is none of our business"}')
        await first.send('{"type":"error","error":{"code":"server_error"}}')
        async with asyncio.timeout(30):
            await first.wait_closed()
        await relayed(await ask(lines, pool))
    assert len(provider.connections) == 2


async def test_nobody_is_asked_over_what_somebody_else_opened() -> None:
    provider = Provider([COMPLETED], [COMPLETED])
    async with lines_to(provider) as (lines, pool):
        await relayed(await ask(lines, pool))
        rotated = msgspec.structs.replace(CREDENTIAL, secret="sk-next")
        await relayed(await ask(lines, pool, rotated))
        async with asyncio.timeout(30):
            await provider.connections[0].wait_closed()
    assert len(provider.connections) == 2


async def test_a_client_that_gives_up_waiting_ends_the_line() -> None:
    provider = Provider([], [COMPLETED])
    async with lines_to(provider) as (lines, pool):
        asking = asyncio.create_task(ask(lines, pool))
        async with asyncio.timeout(30):
            await provider.heard.wait()
            asking.cancel()
            await provider.connections[0].wait_closed()
        await relayed(await ask(lines, pool))
    assert len(provider.connections) == 2
