"""Every failure as OpenAI writes it: `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.stream import error_event

if TYPE_CHECKING:
    from airouter.failures import Failure
    from airouter.wire import Headers

JSON = (b"content-type", b"application/json")


def openai_headers(failure: Failure) -> Headers:
    """The headers of an error. `x-should-retry` steers the official SDKs."""
    headers: Headers = [JSON]
    if failure.retry_after is not None:
        headers.append((b"retry-after", b"%d" % math.ceil(failure.retry_after)))
    if failure.exhausted:
        headers.append((b"x-should-retry", b"false"))
    if failure.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    return headers


def openai_body(failure: Failure) -> bytes:
    """The body of an error, one line of JSON."""
    error = {
        "message": failure.message,
        "type": failure.type,
        "param": failure.param,
        "code": failure.code,
    }
    return msgspec.json.encode({"error": error})


def openai_event(failure: Failure, mid_event: bool) -> bytes:  # `Door` calls it
    """An error inside a stream, as the SDKs raise it."""
    return error_event(openai_body(failure), mid_event=mid_event)
