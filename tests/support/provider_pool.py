"""Pools that ask a provider played by hand; the `conftest.py` of a folder takes the fixtures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from airouter.config.snapshot import Timeouts
from airouter.eventloop.outbox import Outbox
from airouter.eventloop.turns import Turns
from airouter.interfaces import UpstreamError
from airouter.upstream.origin import Origin
from airouter.upstream.pool import Pool
from support.raw_upstream import OK, Conversation, RawUpstream, raw_upstream

PATH, HEAD, BODY = b"/v1/chat/completions", b"authorization: Bearer k\r\n", b'{"model":"m"}'
MakePool = Callable[..., Pool]


@pytest.fixture
async def upstream() -> AsyncIterator[RawUpstream]:
    async with raw_upstream() as upstream:
        yield upstream


@pytest.fixture
async def make_pool(upstream: RawUpstream) -> AsyncIterator[MakePool]:
    pools: list[Pool] = []

    def make(*, max_connections: int = 10, body_limit: int = 1 << 20, **timeouts: float) -> Pool:
        pool = Pool(
            Origin("http", "127.0.0.1", upstream.port),
            Timeouts(**timeouts),
            Outbox(asyncio.get_running_loop()),
            Turns(asyncio.get_running_loop(), rests=False),
            max_connections=max_connections,
            body_limit=body_limit,
        )
        pools.append(pool)
        return pool

    yield make
    for pool in pools:
        pool.close()
    await asyncio.sleep(0)


async def answer(upstream: RawUpstream, data: bytes = OK) -> Conversation:
    conversation = await upstream.accept()
    await conversation.request()
    await conversation.say(data)
    return conversation


async def collect(
    pool: Pool, *, streamed: bool = False
) -> tuple[list[bytes], UpstreamError | None]:
    pieces: list[bytes] = []
    reply = await pool.send(PATH, HEAD, BODY, streamed=streamed)
    try:
        await reply.relay(pieces.append)
    except UpstreamError as error:
        return pieces, error
    return pieces, None
