"""The headers of a request on their way to a provider, and those of an answer on their way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter import request_ids
from airouter.interfaces import head_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.interfaces import Headers, Reply
    from airouter.request_context import RequestContext
    from airouter.serving import Target

CONTENT_TYPE = b"content-type"
EVENT_STREAM = b"text/event-stream"
JSON = b"application/json"
VERSION_HEADER = b"anthropic-version"


def upstream_head(context: RequestContext, target: Target) -> bytes:
    """Return the header lines of a target, with those of the client that mean something there."""
    if not target.translation.same_dialect:
        return target.head
    sent = context.exchange.headers
    passed = {name: sent[name] for name in context.endpoint.forwarded if name in sent}
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
    return headers


def id_headers(context: RequestContext) -> Headers:
    """Return the id of a request, under every name that its client may look for."""
    id_ = context.record.request_id.encode("ascii")
    headers = [(request_ids.HEADER, id_)]
    if context.endpoint.id_header != request_ids.HEADER:
        headers.append((context.endpoint.id_header, id_))
    return headers


def is_streamed(context: RequestContext, target: Target, reply: Reply) -> bool:
    """Return whether an answer comes as a stream.

    A provider of the same dialect says so itself: it may answer a stream's request as a whole.
    """
    if target.translation.same_dialect:
        return reply.headers.get(CONTENT_TYPE, b"").startswith(EVENT_STREAM)
    return context.request.stream
