"""Errors as Anthropic writes them: `{"type": "error", "error": {"type", "message"}}`.

Beside `error` stands the `request_id`, and in it `details`, where there are any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.overflow import name_overflow
from airouter.failures import Failure

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json

OVERLOADED = "overloaded_error"
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: OVERLOADED,
}
STATUSES = {name: status for status, name in TYPES.items()} | {"api_error": 500}


def error_status(failure: Failure) -> int:
    """Return the status of an error: 529 for an overload, which only Anthropic has."""
    return 529 if failure.code == OVERLOADED else failure.status


def error_body(failure: Failure) -> bytes:
    """Return an error as one line of JSON."""
    status = error_status(failure)
    default = "invalid_request_error" if status < 500 else "api_error"
    error: Json = {"type": TYPES.get(status, default), "message": failure.message}
    if failure.details is not None:
        error["details"] = failure.details
    body = {"type": "error", "error": error, "request_id": failure.request_id}
    return msgspec.json.encode(body)


def error_event(failure: Failure) -> bytes:
    """Return an error as an event of a stream, whose status is sent already."""
    return b"event: error\ndata: " + error_body(failure) + b"\n\n"


def failure_in(error: Json | str) -> Failure:
    """Return the failure of an error that came in a stream, or with status 200."""
    if isinstance(error, str):
        error = {"message": error}
    kind: Any = error.get("type")
    status = STATUSES.get(kind, 502)
    overloaded = kind == OVERLOADED
    failure = Failure(
        503 if overloaded else status,
        str(error.get("message") or "The upstream failed while it answered."),
        type="server_error" if status >= 500 else str(kind),
        code=OVERLOADED if overloaded else None,
    )
    return name_overflow(failure)
