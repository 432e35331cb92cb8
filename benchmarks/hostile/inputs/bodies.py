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
    """9 bodies of 31 MiB, half of it a text that takes four bytes a character once decoded."""
    wide, narrow = (b"hello world " * (size // 12) for size in (MOST_WIDE, LARGEST - MOST_WIDE))
    said = b'{"role":"user","content":"%b"}'
    messages = said % (b"\xf0\x9f\x98\x80" + wide) + b"," + said % narrow
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
    """400 bodies of which 1 MiB comes, and no more."""
    part = chat_of(b"hello world ")[:MIB]

    async def begin() -> None:
        async with connection(target) as (_, writer):
            writer.write(head(target, CHATS, LARGEST) + part)
            await writer.drain()

    await at_once(400, begin)
