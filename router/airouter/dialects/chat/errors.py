"""Errors as OpenAI writes them: `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.failures import Failure

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json


def error_object(failure: Failure) -> Json:
    """Return the fields of an error."""
    return {
        "message": failure.message,
        "type": failure.type,
        "param": failure.param,
        "code": failure.code,
    }


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
    status = code if isinstance(code, int) and 400 <= code < 600 else 502
    return Failure(
        status,
        str(error.get("message") or "The upstream failed while it answered."),
        type=str(error.get("type") or "server_error"),
        code=None if code is None else str(code),
    )
