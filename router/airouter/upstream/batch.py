"""A batch: several requests to a provider that make one answer, a few at a time.

`dialects/translation/batch.py` makes the requests of one of a client, and one answer of theirs.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from airouter.interfaces import BufferedReply, UpstreamError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from airouter.interfaces import AnswerMeter, Reply

AT_ONCE = 16


async def send_all(
    send: Callable[[bytes], Awaitable[Reply]], bodies: Sequence[bytes], meter: AnswerMeter
) -> list[BufferedReply]:
    """Return the replies in the order of the bodies, up to and with the first few that failed.

    Raises the first `UpstreamError`, and cancels what runs beside it.
    """
    replies: list[BufferedReply] = []
    for start in range(0, len(bodies), AT_ONCE):
        replies += await send_few(send, bodies[start : start + AT_ONCE], meter)
        if any(reply.status >= 300 for reply in replies[start:]):
            break
    return replies


async def send_few(
    send: Callable[[bytes], Awaitable[Reply]], bodies: Sequence[bytes], meter: AnswerMeter
) -> list[BufferedReply]:
    """Return the replies to bodies that are sent at the same time. Raises `UpstreamError`."""
    failed: list[BaseException] = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(send_one(send, body, meter)) for body in bodies]
    except* UpstreamError as errors:
        failed.extend(errors.exceptions)
    if failed:  # not from within `except*`, which would wrap it in a group again
        raise failed[0]
    return [task.result() for task in tasks]


async def send_one(
    send: Callable[[bytes], Awaitable[Reply]], body: bytes, meter: AnswerMeter
) -> BufferedReply:
    """Return the reply to one body. Raises `UpstreamError`."""
    reply = await send(body)
    try:
        return await buffered(reply, meter)
    finally:
        reply.close()


async def buffered(reply: Reply, meter: AnswerMeter | None = None) -> BufferedReply:
    """Return a reply that is read to its end. Raises `UpstreamError`."""
    return BufferedReply(reply.status, reply.headers, await reply.read(meter))
