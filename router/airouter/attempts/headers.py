"""The headers of a request on their way to a provider, and those of an answer on their way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter import request_ids
from airouter.interfaces import head_lines
from airouter.limits.headers import limit_headers
from airouter.spending import budget_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.interfaces import Headers, Reply
    from airouter.request_context import RequestContext
    from airouter.serving.target import Target
    from airouter.telemetry.record import RequestRecord

CONTENT_TYPE = b"content-type"
EVENT_STREAM = b"text/event-stream"
JSON = b"application/json"
ATTEMPTS, OVERHEAD = b"x-airouter-attempts", b"x-airouter-overhead-ms"
VERSION_HEADER = b"anthropic-version"


def upstream_head(context: RequestContext, target: Target) -> bytes:
    """Return the header lines of a target, with those of the client that mean something there."""
    if not target.translation.same_dialect:
        return target.head
    sent = context.exchange.headers
    passed = {name: sent[name] for name in context.endpoint.forwarded if name in sent}
    passed = target.translation.passed_headers(context.request, passed)
    return head_lines(target.headers | passed) if passed else target.head


def answer_headers(
    context: RequestContext, target: Target, reply_headers: Mapping[bytes, bytes], kind: bytes
) -> Headers:
    """Return the headers of an answer, with those of the provider that mean something there.

    `kind` is the content type, whatever the provider says: a page of a gateway is never one here.
    """
    headers: Headers = [(CONTENT_TYPE, kind)]
    if target.translation.same_dialect:
        for name in context.endpoint.returned:
            if name in reply_headers:
                headers.append((name, reply_headers[name]))
    headers += id_headers(context)
    if context.permit.own:
        headers += limit_headers(context.permit.own, context.endpoint.dialect)
    if context.spending is not None:
        headers += budget_headers(context.spending)
    if context.serving.snapshot.answer_headers:
        headers += way_headers(context.record, target)
    return headers


def way_headers(record: RequestRecord, target: Target) -> Headers:
    """Return the way of a request as its client may know it; the record has its first byte."""
    attempts = record.attempts
    own = (record.asked_at - record.started) + (record.first_byte - attempts[-1].first_byte)
    overhead = b"%.2f" % (1_000.0 * own)
    count = b"1" if len(attempts) == 1 else b"%d" % len(attempts)
    return [target.label, (ATTEMPTS, count), (OVERHEAD, overhead)]


def start_silently(context: RequestContext) -> None:
    """Begin a stream of which no provider has sent anything yet."""
    context.record.note_start(200)
    limits = limit_headers(context.permit.own, context.endpoint.dialect)
    context.exchange.start(200, [(CONTENT_TYPE, EVENT_STREAM), *id_headers(context), *limits])


def id_headers(context: RequestContext) -> Headers:
    """Return the id of a request, under every name that its client may look for."""
    id_ = context.record.request_id.encode("ascii")
    headers = [(request_ids.HEADER, id_)]
    if context.endpoint.id_header != request_ids.HEADER:
        headers.append((context.endpoint.id_header, id_))
    return headers


def is_streamed(context: RequestContext, target: Target, reply: Reply) -> bool:
    """Return whether a stream was asked for, and comes.

    A provider may answer as a whole. What else is no stream of another dialect fails as one.
    """
    kind = reply.headers.get(CONTENT_TYPE, b"").lower()  # of which RFC 9110 takes any case
    if target.translation.same_dialect:
        return context.request.stream and kind.startswith(EVENT_STREAM)
    return context.request.stream and not kind.startswith(JSON)
