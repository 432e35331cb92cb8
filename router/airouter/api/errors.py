"""Writes failures in the client's dialect."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from airouter.dialects.chat.errors import error_body

if TYPE_CHECKING:
    from airouter.failures import Failure
    from airouter.interfaces import Headers

JSON = (b"content-type", b"application/json")

OVERLOADED = 529
StatusOf = Callable[["Failure"], int]

openai_body = error_body


def error_headers(failure: Failure) -> Headers:
    """Return the headers of an error. `x-should-retry` steers the official SDKs."""
    headers: Headers = [JSON]
    if failure.retry_after is not None:
        headers.append((b"retry-after", b"%d" % math.ceil(failure.retry_after)))
    if failure.exhausted:
        headers.append((b"x-should-retry", b"false"))
    if failure.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    return headers


def openai_status(failure: Failure) -> int:
    """Return the status; 529, which only Anthropic has, becomes 503."""
    return 503 if failure.status == OVERLOADED else failure.status


def responses_status(failure: Failure) -> int:
    """Return the status for the Responses API, where OpenAI answers an unknown model with 400."""
    return 400 if failure.code == "model_not_found" else openai_status(failure)
