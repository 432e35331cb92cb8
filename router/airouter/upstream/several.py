"""Several requests that make one answer, a few at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from airouter.interfaces import BufferedReply, UpstreamError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from airouter.interfaces import Reply

AT_ONCE = 16


async def ask_all(
    send: Callable[[bytes], Awaitable[Reply]], bodies: Sequence[bytes]
) -> list[BufferedReply]:
    """The answers in the order of the bodies, up to and with the first few that failed.

    Raises the first `UpstreamError`; what runs beside it is given up.
    """
    answers: list[BufferedReply] = []
    for start in range(0, len(bodies), AT_ONCE):
        answers += await ask_few(send, bodies[start : start + AT_ONCE])
        if any(answer.status >= 300 for answer in answers[start:]):
            break
    return answers


async def ask_few(
    send: Callable[[bytes], Awaitable[Reply]], bodies: Sequence[bytes]
) -> list[BufferedReply]:
    """All at the same time."""
    failed: list[BaseException] = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(send, body)) for body in bodies]
    except* UpstreamError as errors:
        failed.extend(errors.exceptions)
    if failed:
        raise failed[0]
    return [task.result() for task in tasks]


async def ask(send: Callable[[bytes], Awaitable[Reply]], body: bytes) -> BufferedReply:
    """One of them."""
    reply = await send(body)
    try:
        return await whole(reply)
    finally:
        reply.close()


async def whole(reply: Reply) -> BufferedReply:
    """A reply, read to its end. Raises `UpstreamError`."""
    return BufferedReply(reply.status, reply.headers, await reply.read())
