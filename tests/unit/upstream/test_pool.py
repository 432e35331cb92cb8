"""Connections of a pool: reused, bounded, drained."""

from __future__ import annotations

import asyncio

import pytest

from airouter.config.snapshot import Timeouts
from airouter.eventloop.outbox import Outbox
from airouter.eventloop.turns import Turns
from airouter.interfaces import BrokenReply, ConnectError, UpstreamError
from airouter.upstream.origin import Origin
from airouter.upstream.pool import Pool
from support.provider_pool import BODY, HEAD, PATH, MakePool, answer
from support.raw_upstream import OK, RawUpstream, raw_upstream


async def test_a_connection_is_used_again(upstream: RawUpstream, make_pool: MakePool) -> None:
    pool = make_pool()
    asking = asyncio.create_task(pool.send(PATH, HEAD, BODY))
    conversation = await answer(upstream)
    await (await asking).read()
    asking = asyncio.create_task(pool.send(PATH, HEAD, BODY))
    await conversation.request()
    await conversation.say(OK)
    await (await asking).read()
    assert (upstream.count, pool.idle, pool.in_flight) == (1, 1, 0)


async def test_a_kept_connection_that_died_unused_is_replaced_without_a_word(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    pool = make_pool()
    asking = asyncio.create_task(pool.send(PATH, HEAD, BODY))
    first = await answer(upstream)
    await (await asking).read()

    asking = asyncio.create_task(pool.send(PATH, HEAD, BODY))
    await first.request()
    first.reset()
    await answer(upstream)
    assert await (await asking).read() == b'{"ok":true}'
    assert upstream.count == 2


async def test_a_request_is_not_repeated_once_a_byte_of_an_answer_has_come(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    pool = make_pool()
    asking = asyncio.create_task(pool.send(PATH, HEAD, BODY))
    first = await answer(upstream)
    await (await asking).read()

    asking = asyncio.create_task(pool.send(PATH, HEAD, BODY))
    await first.request()
    await first.say(b"HTTP/1.1 200")
    first.hang_up()
    with pytest.raises(BrokenReply):
        await asking
    assert upstream.count == 1


async def test_a_refused_connection_is_a_connect_error(make_pool: MakePool) -> None:
    async with raw_upstream() as gone:
        port = gone.port
    pool = Pool(
        Origin("http", "127.0.0.1", port),
        Timeouts(),
        Outbox(asyncio.get_running_loop()),
        Turns(asyncio.get_running_loop()),
        max_connections=1,
        body_limit=1,
    )
    with pytest.raises(ConnectError):
        await pool.send(PATH, HEAD, BODY)


async def test_a_cancelled_request_closes_its_connection(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    pool = make_pool()
    asking = asyncio.create_task(pool.send(PATH, HEAD, BODY))
    conversation = await upstream.accept()
    await conversation.request()
    asking.cancel()
    async with asyncio.timeout(30):
        await conversation.gone()
    assert pool.in_flight == 0


async def test_one_request_too_many_waits_for_a_connection(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    pool = make_pool(max_connections=1)
    first, second = (asyncio.create_task(pool.send(PATH, HEAD, BODY)) for _ in range(2))
    conversation = await answer(upstream)
    await (await first).read()
    await conversation.request()
    await conversation.say(OK)
    assert await (await second).read() == b'{"ok":true}'
    assert upstream.count == 1


async def test_waiting_for_a_connection_is_bounded(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    pool = make_pool(max_connections=1, connect=0.05)
    busy = asyncio.create_task(pool.send(PATH, HEAD, BODY))
    await upstream.accept()
    with pytest.raises(ConnectError, match="all 1 connections"):
        await pool.send(PATH, HEAD, BODY)
    busy.cancel()


async def test_a_waiter_gets_a_new_connection_when_a_busy_one_breaks(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    pool = make_pool(max_connections=1)
    first, second = (asyncio.create_task(pool.send(PATH, HEAD, BODY)) for _ in range(2))
    (await upstream.accept()).reset()
    with pytest.raises(UpstreamError):
        await first
    await answer(upstream)
    assert await (await second).read() == b'{"ok":true}'


async def test_a_cancelled_waiter_leaves_its_turn_to_the_next(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    pool = make_pool(max_connections=1)
    first, second, third = (asyncio.create_task(pool.send(PATH, HEAD, BODY)) for _ in range(3))
    conversation = await upstream.accept()
    second.cancel()
    await conversation.request()
    await conversation.say(OK)
    await (await first).read()
    await conversation.request()
    await conversation.say(OK)
    assert await (await third).read() == b'{"ok":true}'


async def test_a_draining_pool_serves_but_keeps_nothing(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    pool = make_pool()
    asking = asyncio.create_task(pool.send(PATH, HEAD, BODY))
    conversation = await upstream.accept()
    await conversation.request()
    pool.drain()
    await conversation.say(OK)
    assert await (await asking).read() == b'{"ok":true}'
    async with asyncio.timeout(30):
        await conversation.gone()
    assert (pool.idle, pool.in_flight) == (0, 0)
