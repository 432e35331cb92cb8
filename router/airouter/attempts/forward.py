"""A provider's whole answer, given to the client as a whole or as a stream.

A large one is read, translated and masked beside the event loop, as a large request is: an answer
may have tens of megabytes, in embeddings, images or the arguments of a call.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from airouter.attempts.filtered import is_filtered
from airouter.attempts.headers import EVENT_STREAM, JSON, answer_headers
from airouter.dialects.translation.conversing import is_stream
from airouter.eventloop.aside import LARGE
from airouter.failures import Failure, drop_frames, filtered
from airouter.interfaces import BrokenReply, UpstreamRefused
from airouter.routing.outcome import ANSWERED, AttemptOutcome
from airouter.untrusted import WINDOW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.client_request import ClientRequest
    from airouter.dialects.conversation import Usage
    from airouter.eventloop.aside import Aside
    from airouter.interfaces import BufferedReply
    from airouter.request_context import RequestContext
    from airouter.serving.target import Target

NO_STREAM = "the upstream did not stream"
PASSED = 4_194_304
"""Bytes of an answer that passes through, and is given at once: it takes some 10 ms, and embeddings
and images, of which most answers have fewer, do not wait for the large requests of others.
"""
FEW, MOST_OBJECTS, MOST_FIELDS = 4_096, 2_000, 20_000
"""Bytes of an answer that has few of either, and how many of them one may have that is given at
once: the dearest of 2,000 calls takes some 20 ms, and embeddings have an object each.
"""


async def forward(
    context: RequestContext, target: Target, replies: Sequence[BufferedReply], aside: Aside
) -> AttemptOutcome:
    """Give the client a whole answer, or a stream of it if it has asked for one.

    Raises `UpstreamError` for one that cannot be read, or is an error with a good status.
    """
    request, exchange = context.request, context.exchange
    size = len(replies[0].body)
    if len(replies) > 1:  # the sum of one takes longer than to look
        size = sum([len(each.body) for each in replies])
    if request.stream:
        size += len(request.body)
    try:
        if size <= FEW or is_quick(target, request, replies, size):
            body, usage, streams = whole_or_stream(target, request, replies)
        else:
            translate = partial(whole_or_stream, target, request, replies)
            body, usage, streams = await aside.run(translate, is_owed=True)
    except Failure as failure:
        drop_frames(failure)
        raise UpstreamRefused(failure) from None
    if is_filtered(context, target, body):
        context.record.note_usage(usage)
        raise UpstreamRefused(filtered())
    if exchange.started and not streams:  # by a heartbeat, as a stream
        raise BrokenReply(NO_STREAM)
    if context.race is not None:
        context.race.claim(context, usage)
    context.record.note_usage(usage)
    first = replies[0]
    if not exchange.started:
        context.record.note_start(first.status)
    if streams:
        give_stream(context, target, first, body)
    else:
        headers = answer_headers(context, target, first.headers, JSON)
        exchange.respond(first.status, headers, body)
    return ANSWERED


def give_stream(
    context: RequestContext, target: Target, reply: BufferedReply, stream: bytes
) -> None:
    """Give the client a stream that is whole."""
    exchange = context.exchange
    if not exchange.started:
        exchange.start(reply.status, answer_headers(context, target, reply.headers, EVENT_STREAM))
    exchange.write(stream)
    exchange.end()


def is_quick(
    target: Target, request: ClientRequest, replies: Sequence[BufferedReply], size: int
) -> bool:
    """Return whether it takes some milliseconds at most to give an answer of so many bytes."""
    if size > LARGE and (size > PASSED or not passes(target, request, replies)):
        return False
    return not has_many_objects(replies)


def has_many_objects(replies: Sequence[BufferedReply]) -> bool:
    """Return whether more may have to be looked at in an answer than its bytes would tell.

    What looks like an object inside a string counts, too.
    """
    objects, fields = MOST_OBJECTS, MOST_FIELDS
    for reply in replies:
        for at in range(0, len(reply.body), WINDOW):  # to count millions would take long, too
            objects -= reply.body.count(b"{", at, at + WINDOW)
            fields -= reply.body.count(b":", at, at + WINDOW)
            if objects < 0 or fields < 0:
                return True
    return False


def passes(target: Target, request: ClientRequest, replies: Sequence[BufferedReply]) -> bool:
    """Return whether the client gets an answer nearly as it came."""
    if request.stream or any(map(is_stream, replies)):
        return False
    return target.translation.same_dialect


def whole_or_stream(
    target: Target, request: ClientRequest, replies: Sequence[BufferedReply]
) -> tuple[bytes, Usage | None, bool]:
    """Return the answer for the client, what it has used, and True where it is a stream.

    Raises `UpstreamError` and `Failure` as `Translation.answer` does.
    """
    translation = target.translation
    told = request.stream and len(replies) == 1
    stream = translation.retold(request, replies[0]) if told else None
    answer = translation.answer(request, replies) if stream is None else stream
    return target.account.masking.body(answer.body), answer.usage, stream is not None
