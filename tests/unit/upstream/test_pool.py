"""The HTTP client against a provider that is played by hand."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Callable

import pytest

from airouter.config.snapshot import Timeouts
from airouter.http.reply import UNREAD_LIMIT
from airouter.interfaces import BrokenReply, ConnectError, UpstreamError, UpstreamTimeout
from airouter.outbox import Outbox
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


async def collect(pool: Pool) -> tuple[list[bytes], UpstreamError | None]:
    pieces: list[bytes] = []
    reply = await pool.send(PATH, HEAD, BODY)
    try:
        await reply.relay(pieces.append)
    except UpstreamError as error:
        return pieces, error
    return pieces, None


async def test_a_request_is_written_as_http_and_its_answer_read(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    asking = asyncio.create_task(make_pool().send(PATH, HEAD, BODY))
    conversation = await upstream.accept()
    request = await conversation.request()
    await conversation.say(OK)
    reply = await asking

    assert request == (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:%d\r\n" % upstream.port
        + b'authorization: Bearer k\r\ncontent-length: 13\r\n\r\n{"model":"m"}'
    )
    assert (reply.status, reply.headers[b"content-type"]) == (200, b"application/json")
    assert await reply.read() == b'{"ok":true}'


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


async def test_a_provider_that_closes_after_its_answer_is_connected_anew(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    pool = make_pool()
    closing = OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    for number in (1, 2):
        asking = asyncio.create_task(pool.send(PATH, HEAD, BODY))
        await answer(upstream, closing)
        assert await (await asking).read() == b'{"ok":true}'
        assert (upstream.count, pool.idle) == (number, 0)


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


async def test_a_new_connection_that_breaks_is_an_error_at_once(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    asking = asyncio.create_task(make_pool().send(PATH, HEAD, BODY))
    conversation = await upstream.accept()
    await conversation.request()
    conversation.hang_up()
    with pytest.raises(BrokenReply):
        await asking


async def test_a_refused_connection_is_a_connect_error(make_pool: MakePool) -> None:
    async with raw_upstream() as gone:
        port = gone.port
    pool = Pool(
        Origin("http", "127.0.0.1", port),
        Timeouts(),
        Outbox(asyncio.get_running_loop()),
        max_connections=1,
        body_limit=1,
    )
    with pytest.raises(ConnectError):
        await pool.send(PATH, HEAD, BODY)


@pytest.mark.parametrize(
    ("said", "timeouts", "reason"),
    [
        (b"", {"first_byte": 0.05}, "no first byte within 0.05 s"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", {"first_byte": 0.05}, "no first byte"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", {"idle": 0.05}, "sent nothing for"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", {"total": 0.05}, "did not finish"),
    ],
)
async def test_each_timeout_ends_a_request_and_its_connection(
    upstream: RawUpstream,
    make_pool: MakePool,
    said: bytes,
    timeouts: dict[str, float],
    reason: str,
) -> None:
    asking = asyncio.create_task(collect(make_pool(**timeouts)))
    conversation = await answer(upstream, said)
    with contextlib.suppress(UpstreamTimeout):
        _, error = await asking
        assert isinstance(error, UpstreamTimeout)
        assert reason in str(error)
    async with asyncio.timeout(2):
        await conversation.gone()


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


async def test_a_body_without_a_length_ends_with_its_connection(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    asking = asyncio.create_task(collect(make_pool()))
    conversation = await answer(upstream, b"HTTP/1.1 200 OK\r\n\r\nall of it")
    conversation.hang_up()
    assert await asking == ([b"all of it"], None)


async def test_a_body_that_is_cut_short_is_an_error(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    asking = asyncio.create_task(collect(make_pool()))
    conversation = await answer(upstream, b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\npart")
    conversation.hang_up()
    pieces, error = await asking
    assert pieces == [b"part"]
    assert isinstance(error, BrokenReply)


async def test_interim_answers_are_skipped(upstream: RawUpstream, make_pool: MakePool) -> None:
    asking = asyncio.create_task(make_pool().send(PATH, HEAD, BODY))
    await answer(upstream, b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK)
    reply = await asking
    assert (reply.status, b"link" in reply.headers) == (200, False)
    assert await reply.read() == b'{"ok":true}'


@pytest.mark.parametrize(
    "garbage",
    [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", b"\x00" * 9],
)
async def test_what_is_not_http_is_an_error(
    upstream: RawUpstream, make_pool: MakePool, garbage: bytes
) -> None:
    asking = asyncio.create_task(make_pool().send(PATH, HEAD, BODY))
    conversation = await answer(upstream, garbage)
    with pytest.raises(BrokenReply):
        await asking
    await conversation.gone()


async def test_a_cancelled_request_closes_its_connection(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    pool = make_pool()
    asking = asyncio.create_task(pool.send(PATH, HEAD, BODY))
    conversation = await upstream.accept()
    await conversation.request()
    asking.cancel()
    async with asyncio.timeout(1):
        await conversation.gone()
    assert pool.in_flight == 0


async def test_a_reply_that_is_given_up_closes_its_connection(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    asking = asyncio.create_task(make_pool().send(PATH, HEAD, BODY))
    conversation = await answer(upstream, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc")
    reply = await asking
    reply.close()
    reply.close()
    async with asyncio.timeout(1):
        await conversation.gone()


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


async def test_a_body_over_the_limit_is_an_error(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    asking = asyncio.create_task(make_pool(body_limit=10).send(PATH, HEAD, BODY))
    await answer(upstream)
    reply = await asking
    with pytest.raises(BrokenReply, match="larger than 10 bytes"):
        await reply.read()


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
    async with asyncio.timeout(1):
        await conversation.gone()
    assert (pool.idle, pool.in_flight) == (0, 0)


async def test_an_idle_connection_that_speaks_is_dropped(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    pool = make_pool()
    asking = asyncio.create_task(pool.send(PATH, HEAD, BODY))
    conversation = await answer(upstream)
    await (await asking).read()
    await conversation.say(OK)
    async with asyncio.timeout(1):
        await conversation.gone()
    assert pool.idle == 0


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 500_000,
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"x%d: y\r\n" % i for i in range(50_000)),
        b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000,
    ],
)
async def test_a_header_that_does_not_end_is_an_error(
    upstream: RawUpstream, make_pool: MakePool, data: bytes
) -> None:
    asking = asyncio.create_task(make_pool().send(PATH, HEAD, BODY))
    conversation = await upstream.accept()
    await conversation.request()
    conversation.writer.write(data)
    with pytest.raises(BrokenReply, match="header"):
        async with asyncio.timeout(5):
            await asking


async def test_trailers_say_nothing_of_a_body(upstream: RawUpstream, make_pool: MakePool) -> None:
    asking = asyncio.create_task(make_pool().send(PATH, HEAD, BODY))
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"
    trailers = b"content-encoding: gzip\r\ncontent-type: text/html\r\n"
    await answer(upstream, head + b"2\r\nhi\r\n0\r\n" + trailers + b"\r\n")
    reply = await asking
    assert await reply.read() == b"hi"
    assert reply.headers[b"content-type"] == b"text/plain"


async def test_a_connection_whose_request_was_refused_half_sent_is_not_used_again(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    pool = make_pool()
    asking = asyncio.create_task(pool.send(PATH, HEAD, b"x" * 20_000_000))
    conversation = await upstream.accept()
    await conversation.reader.readuntil(b"\r\n\r\n")
    await conversation.say(b"HTTP/1.1 413 No\r\ncontent-length: 2\r\n\r\nno")
    reply = await asking
    assert (reply.status, await reply.read()) == (413, b"no")
    assert pool.idle == 0


async def test_a_compressed_stream_that_is_cut_short_is_an_error(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    collecting = asyncio.create_task(collect(make_pool()))
    body = gzip.compress(b"data: 1\n\n" * 100)[:-10]
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body)
    await answer(upstream, head + body)
    _, error = await collecting
    assert isinstance(error, BrokenReply)
