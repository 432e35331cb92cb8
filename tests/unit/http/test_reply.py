"""Replies that are collected, relayed, paused and given up."""

from __future__ import annotations

import asyncio
import gzip
import os
import tracemalloc

import pytest

from airouter.http.reply import SLICE, UNREAD_LIMIT
from airouter.interfaces import BrokenReply, Reply
from support.provider_pool import BODY, HEAD, PATH, MakePool, answer, collect
from support.raw_upstream import RawUpstream


async def test_a_stream_is_handed_on_piece_by_piece(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    reply_task = asyncio.create_task(make_pool().send(PATH, HEAD, BODY))
    conversation = await answer(
        upstream, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n"
    )
    pieces: asyncio.Queue[bytes] = asyncio.Queue()
    relaying = asyncio.create_task((await reply_task).relay(pieces.put_nowait))
    assert await pieces.get() == b"one"
    await conversation.say(b"3\r\ntwo\r\n5\r\nthree\r\n")
    assert await pieces.get() == b"twothree"
    await conversation.say(b"0\r\n\r\n")
    await relaying
    assert pieces.empty()


async def test_a_reader_that_pauses_stops_the_provider_and_the_idle_timeout(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    asking = asyncio.create_task(make_pool(idle=0.1).send(PATH, HEAD, BODY))
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    conversation = await answer(upstream, head)
    reply = await asking
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    def hear_and_pause(piece: bytes) -> None:
        heard.put_nowait(piece)
        reply.pause()

    relaying = asyncio.create_task(reply.relay(hear_and_pause))
    await conversation.say(b"3\r\none\r\n")
    assert await heard.get() == b"one"
    await conversation.say(b"3\r\ntwo\r\n0\r\n\r\n")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await heard.get()
    assert not relaying.done()
    reply.resume()
    assert await heard.get() == b"two"
    await relaying


@pytest.mark.parametrize("encoded", [False, True])
async def test_a_large_piece_is_handed_on_in_slices_and_whole(
    upstream: RawUpstream, make_pool: MakePool, encoded: bool
) -> None:
    body = os.urandom(100 * SLICE) + bytes(100 * SLICE) + b"end"
    sent = gzip.compress(body) if encoded else body
    coding = b"content-encoding: gzip\r\n" if encoded else b""
    collecting = asyncio.create_task(collect(make_pool()))
    head = b"HTTP/1.1 200 OK\r\n%bcontent-length: %d\r\n\r\n" % (coding, len(sent))
    await answer(upstream, head + sent)
    pieces, error = await collecting
    assert error is None
    assert b"".join(pieces) == body
    assert max(map(len, pieces)) == SLICE


async def test_a_reader_that_fails_in_the_middle_of_a_piece_ends_the_stream(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    given = []

    def give(piece: bytes) -> None:
        given.append(piece)
        if len(given) == 3:
            raise BrokenReply("no more")

    pool = make_pool()
    asking = asyncio.create_task(pool.send(PATH, HEAD, BODY))
    size = 10 * SLICE
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (2 * size)
    conversation = await answer(upstream, head + bytes(size))
    with pytest.raises(BrokenReply, match="no more"):
        await (await asking).relay(give)
    await conversation.gone()
    assert len(given) == 3


async def test_what_nobody_reads_yet_does_not_pile_up(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    size = 64 * UNREAD_LIMIT
    asking = asyncio.create_task(make_pool(body_limit=2 * size).send(PATH, HEAD, BODY))
    conversation = await upstream.accept()
    await conversation.request()
    sending = asyncio.create_task(
        conversation.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (size, b"x" * size))
    )
    reply = await asking
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await asyncio.shield(sending)
    assert reply.size < 8 * UNREAD_LIMIT
    assert len(await reply.read()) == size
    await sending


class Hesitant:
    """A meter that has a reply wait as soon as something has come, once."""

    def __init__(self) -> None:
        self.told: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def note(self, reply: Reply, size: int) -> None:
        if not self.told.done():
            self.told.set_result(size)
            reply.pause()


@pytest.mark.parametrize("coding", ["", "gzip"])
async def test_a_whole_answer_that_is_to_wait_is_not_silent(
    upstream: RawUpstream, make_pool: MakePool, coding: str
) -> None:
    asking = asyncio.create_task(make_pool(idle=0.1).send(PATH, HEAD, BODY))
    plain = os.urandom(100_000)
    body = gzip.compress(plain) if coding else plain
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n" % len(body)
    head += b"content-encoding: gzip\r\n\r\n" if coding else b"\r\n"
    conversation = await answer(upstream, head)
    reply, meter = await asking, Hesitant()
    reading = asyncio.create_task(reply.read(meter))
    await asyncio.sleep(0)  # it begins
    await conversation.say(body[:-8])
    assert 0 < await meter.told <= len(plain)
    await conversation.say(body[-8:])
    await asyncio.wait({reading}, timeout=0.3)
    assert not reading.done()
    reply.resume()
    assert await reading == plain


async def test_a_body_over_the_limit_is_an_error(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    asking = asyncio.create_task(make_pool(body_limit=10).send(PATH, HEAD, BODY))
    await answer(upstream)
    reply = await asking
    with pytest.raises(BrokenReply, match="larger than 10 bytes"):
        await reply.read()


async def test_a_compressed_stream_that_is_cut_short_is_an_error(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    collecting = asyncio.create_task(collect(make_pool()))
    body = gzip.compress(b"data: 1\n\n" * 100)[:-10]
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body)
    await answer(upstream, head + body)
    _, error = await collecting
    assert isinstance(error, BrokenReply)


async def test_a_reply_that_is_given_up_closes_its_connection(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    asking = asyncio.create_task(make_pool().send(PATH, HEAD, BODY))
    conversation = await answer(upstream, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc")
    reply = await asking
    reply.close()
    reply.close()
    async with asyncio.timeout(30):
        await conversation.gone()


async def test_a_compressed_body_is_inflated_no_further_than_the_limit(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    limit, body = 1 << 20, gzip.compress(bytes(64 << 20))
    asking = asyncio.create_task(make_pool(body_limit=limit).send(PATH, HEAD, BODY))
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body)
    await answer(upstream, head + body)
    reply = await asking
    tracemalloc.start()
    try:
        with pytest.raises(BrokenReply, match="too large"):
            await reply.read()
        assert tracemalloc.get_traced_memory()[1] < 4 * limit
    finally:
        tracemalloc.stop()


async def test_a_body_in_very_many_chunks_is_kept_in_few_pieces(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    times = 100_000
    asking = asyncio.create_task(make_pool().send(PATH, HEAD, BODY))
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    conversation = await answer(upstream, head)
    reply = await asking
    reading = asyncio.create_task(reply.read())
    await conversation.say(b"2\r\nab\r\n" * times)
    async with asyncio.timeout(60):
        while reply.size < 2 * times:
            await asyncio.sleep(0)
    assert len(reply.pieces) < times / 100
    await conversation.say(b"0\r\n\r\n")
    assert await reading == b"ab" * times


@pytest.mark.parametrize("coding", [b"gzip", b"identity"])
async def test_a_body_is_read_whatever_its_coding(
    upstream: RawUpstream, make_pool: MakePool, coding: bytes
) -> None:
    body = gzip.compress(b"text") if coding == b"gzip" else b"text"
    asking = asyncio.create_task(make_pool().send(PATH, HEAD, BODY))
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: %b\r\ncontent-length: %d\r\n\r\n"
    await answer(upstream, head % (coding, len(body)) + body)
    assert await (await asking).read() == b"text"
