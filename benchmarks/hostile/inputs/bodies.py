"""Large bodies, in every state."""

from __future__ import annotations

from functools import partial

from benchmarks.hostile.sending import (
    CHATS,
    LARGEST,
    MESSAGES,
    MIB,
    RESPONSES,
    Target,
    at_once,
    connection,
    head,
    post,
)

CHAT = b'{"model":"passed","messages":[{"role":"user","content":"%b"}]}'
SAID = b'{"role":"user","content":"hello world, hello world, hello world"}'
MANY_SAID = b",".join([SAID] * 55_000)
"""As many as are read."""
MOST_WIDE = 16 * MIB - 200_000
"""Bytes of text beyond ASCII that are read."""


def chat_of(text: bytes) -> bytes:
    """Return a chat of the largest size."""
    return CHAT % (text * ((LARGEST - len(CHAT)) // len(text)))


async def wrong_keys(target: Target) -> None:
    """30 chats of 31 MiB, of nobody."""
    nobody = target._replace(key=b"sk-wrong")
    await at_once(30, partial(post, nobody, CHATS, chat_of(b"hello world ")))


async def large_chats(target: Target) -> None:
    """30 chats of 31 MiB, half of them streams."""
    whole = chat_of(b"hello world ")
    streamed = whole[:-1] + b',"stream":true}'
    for body in (whole, streamed):
        await at_once(15, partial(post, target, CHATS, body))


async def escaped_chats(target: Target) -> None:
    """10 chats of 31 MiB, written in escapes."""
    await at_once(5, partial(post, target, CHATS, chat_of(rb"caf\u00e9 au lait ")))
    await at_once(5, partial(post, target, CHATS, chat_of(rb"\u0061\u005f\\")))


async def wide_texts(target: Target) -> None:
    """9 bodies of 31 MiB, half of it texts that take four bytes a character once decoded."""
    long = b"\xf0\x9f\x98\x80" + b"hello world " * (MOST_WIDE // 24)
    joined = b"\xf0\x9f\x98\x80" + b"hello world " * (MOST_WIDE // 48 - 9)
    narrow = b"hello world " * ((LARGEST - MOST_WIDE) // 12)
    said = b'{"role":"user","content":"%b"}'
    turns = (b",".join([said % joined] * 2), said % long, said % narrow)
    messages = b',{"role":"assistant","content":"ok"},'.join(turns)
    for model in (b"passed", b"translated", b"mocked"):
        body = b'{"model":"%b","max_tokens":9,"messages":[%b]}' % (model, messages)
        await at_once(3, partial(post, target, MESSAGES, body))


async def large_messages(target: Target) -> None:
    """10 requests with 55,000 messages, translated and mocked."""
    for model in (b"translated", b"mocked"):
        body = b'{"model":"%b","max_tokens":9,"messages":[%b]}' % (model, MANY_SAID)
        await at_once(5, partial(post, target, MESSAGES, body))


async def large_responses(target: Target) -> None:
    """10 requests with 55,000 items for a provider of chats."""
    body = b'{"model":"passed","store":false,"input":[%b]}' % MANY_SAID
    await at_once(10, partial(post, target, RESPONSES, body))


async def broken_bodies(target: Target) -> None:
    """10 bodies of 31 MiB that are cut short, or not UTF-8."""
    await at_once(5, partial(post, target, CHATS, chat_of(b"hello world ")[:-2]))
    await at_once(5, partial(post, target, MESSAGES, chat_of(b"hello world \xff")))


async def unfinished_bodies(target: Target) -> None:
    """2,000 bodies of which 1 MiB comes, and no more."""
    part = chat_of(b"hello world ")[:MIB]

    async def begin() -> None:
        async with connection(target) as (_, writer):
            writer.write(head(target, CHATS, LARGEST) + part)
            await writer.drain()

    await at_once(2_000, begin)
