"""Errors as OpenAI writes them: `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.overflow import name_overflow
from airouter.failures import Failure

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json


STATUSES = {
    "authentication_error": 401,
    "broken_reply": 502,
    "connect_error": 502,
    "context_length_exceeded": 400,
    "exceed_context_size_error": 400,
    "identity_error": 502,
    "insufficient_quota": 429,
    "invalid_api_key": 401,
    "invalid_prompt": 400,
    "invalid_request_error": 400,
    "model_not_found": 404,
    "not_found_error": 404,
    "overloaded_error": 503,
    "permission_error": 403,
    "previous_response_not_found": 400,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "requests": 429,
    "server_error": 500,
    "server_is_overloaded": 503,
    "service_unavailable_error": 503,
    "slow_down": 503,
    "timeout": 504,
    "tokens": 429,
    "upstream_authentication_failed": 502,
    "websocket_connection_limit_reached": 400,
}
"""What codes and types, OpenAI's and ours, are over HTTP. Any other is a fault of the upstream."""


def status_in(error: Json) -> int:
    """Return the status of an error that came without one of HTTP's own."""
    for name in ("status", "status_code", "code"):
        given = error.get(name)
        number = int(given) if isinstance(given, str) and given.isdecimal() else given
        if isinstance(number, int) and 400 <= number < 600:
            return number
    names = (error.get(name) for name in ("code", "type"))
    return next((STATUSES[name] for name in names if name in STATUSES), 502)


def error_object(failure: Failure) -> Json:
    """Return the fields of an error."""
    error: Json = {
        "message": failure.message,
        "type": failure.type,
        "param": failure.param,
        "code": failure.code,
    }
    return error if failure.inner is None else {**error, "innererror": failure.inner}


def error_body(failure: Failure) -> bytes:
    """Return an error as one line of JSON."""
    return msgspec.json.encode({"error": error_object(failure)})


def error_event(failure: Failure) -> bytes:
    """Return an error for a stream whose status is sent, as the SDKs raise it."""
    return b"data: " + error_body(failure) + b"\n\n"


def failure_in(error: Json | str) -> Failure:
    """Return the `Failure` for a provider's error in a stream, or in a body of status 200."""
    if isinstance(error, str):
        error = {"message": error}
    code = error.get("code")
    failure = Failure(
        status_in(error),
        str(error.get("message") or "The upstream failed while it answered."),
        type=str(error.get("type") or "server_error"),
        code=None if code is None else str(code),
    )
    return name_overflow(failure)
