"""HTTP/1.1 as a provider speaks it that is played by hand."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref

import pytest

from airouter.http.connection import HttpConnection
from airouter.interfaces import BrokenReply, UpstreamTimeout
from support.provider_pool import BODY, HEAD, PATH, MakePool, answer, collect
from support.raw_upstream import OK, RawUpstream


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
    asking = asyncio.create_task(collect(make_pool(**timeouts), streamed=True))
    conversation = await answer(upstream, said)
    with contextlib.suppress(UpstreamTimeout):
        _, error = await asking
        assert isinstance(error, UpstreamTimeout)
        assert reason in str(error)
    async with asyncio.timeout(30):
        await conversation.gone()


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
        async with asyncio.timeout(30):
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


async def test_an_idle_connection_that_speaks_is_dropped(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    pool = make_pool()
    asking = asyncio.create_task(pool.send(PATH, HEAD, BODY))
    conversation = await answer(upstream)
    await (await asking).read()
    await conversation.say(OK)
    async with asyncio.timeout(30):
        await conversation.gone()
    assert pool.idle == 0


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


async def test_a_new_connection_that_breaks_is_an_error_at_once(
    upstream: RawUpstream, make_pool: MakePool
) -> None:
    asking = asyncio.create_task(make_pool().send(PATH, HEAD, BODY))
    conversation = await upstream.accept()
    await conversation.request()
    conversation.hang_up()
    with pytest.raises(BrokenReply):
        await asking


async def test_nothing_is_left_of_a_connection_that_is_given_up_before_it_is_made(
    make_pool: MakePool,
) -> None:
    gc.disable()
    try:
        made = weakref.ref(HttpConnection(make_pool()))
        assert made() is None
    finally:
        gc.enable()
