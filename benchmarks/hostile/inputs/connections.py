"""Connections that are no good, whatever goes over them."""

from __future__ import annotations

import asyncio

from benchmarks.hostile.sending import CHATS, RESPONSES, Target, at_once, connection, head

HELLO = b'{"model":"mocked","messages":[{"role":"user","content":"hi"}]}'
LONG_STREAM = (
    b'{"model":"mocked","stream":true,"messages":[{"role":"user","content":"hi"}],'
    b'"metadata":{"mock_reply":"%b"}}' % (b"word " * 100_000)
)
ECHOED = b'{"model":"mocked","store":false,"input":"%b"}'
STALLED = 2.0
"""Seconds in which nothing of a stream is read."""


async def unfinished_heads(target: Target) -> None:
    """1,000 heads of 32 KB that do not end."""
    half = head(target, CHATS, 9)[:-4] + b"\r\nx-long: " + b"a" * 32_000

    async def begin() -> None:
        async with connection(target) as (_, writer):
            writer.write(half)
            await writer.drain()

    await at_once(1_000, begin)


async def tiny_chunks(target: Target) -> None:
    """20 bodies of 200,000 chunks of one byte."""

    async def send() -> None:
        async with connection(target) as (reader, writer):
            writer.write(head(target, CHATS, None) + b"1\r\n \r\n" * 200_000 + b"0\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")

    await at_once(20, send)


async def pipelined_requests(target: Target) -> None:
    """20 connections with 2,000 requests each, in one write."""

    async def send() -> None:
        async with connection(target) as (reader, writer):
            writer.write((head(target, CHATS, len(HELLO)) + HELLO) * 2_000)
            for _ in range(2_000):
                await reader.readuntil(b"HTTP/1.1 200 ")

    await at_once(20, send)


async def crowds(target: Target) -> None:
    """500 connections that ask something small at once, ten times."""
    all_here = asyncio.Barrier(500)

    async def ask() -> None:
        async with connection(target) as (reader, writer):
            for _ in range(10):
                await all_here.wait()
                writer.write(head(target, CHATS, len(HELLO)) + HELLO)
                answer = (await reader.readuntil(b"\r\n\r\n")).lower()
                size = answer.partition(b"content-length:")[2].partition(b"\r")[0]
                await reader.readexactly(int(size))

    await at_once(500, ask)


async def opened_pages(target: Target) -> None:
    """300 people who follow the page at once, none of them with a key."""

    async def follow() -> None:
        async with connection(target) as (reader, writer):
            writer.write(b"GET /vhealth/events HTTP/1.1\r\nhost: router\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(STALLED)

    await at_once(300, follow)


async def unread_streams(target: Target) -> None:
    """100 streams of 100,000 events that nobody reads."""

    async def ask() -> None:
        async with connection(target) as (_, writer):
            writer.write(head(target, CHATS, len(LONG_STREAM)) + LONG_STREAM)
            await asyncio.sleep(STALLED)

    await at_once(100, ask)


async def unread_answers(target: Target) -> None:
    """60 answers of 8 MB, which say again what was asked, that nobody reads."""
    body = ECHOED % (b"hello world " * 650_000)

    async def ask() -> None:
        async with connection(target) as (_, writer):
            writer.write(head(target, RESPONSES, len(body)) + body)
            await asyncio.sleep(STALLED)

    for _ in range(15):
        await at_once(4, ask)


async def aborted_streams(target: Target) -> None:
    """300 streams that are given up at their first byte."""

    async def ask() -> None:
        async with connection(target) as (reader, writer):
            writer.write(head(target, CHATS, len(LONG_STREAM)) + LONG_STREAM)
            await reader.read(1)

    for _ in range(10):
        await at_once(30, ask)
