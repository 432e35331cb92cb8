"""Google's errors: `{"error": {"code", "message", "status", "details"}}`, at times in an array."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.overflow import name_overflow
from airouter.failures import Failure
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json

TYPES = {429: "rate_limit_error"}
CODES = {
    "NOT_FOUND": "model_not_found",
    "RESOURCE_EXHAUSTED": "rate_limit_exceeded",
    "INVALID_ARGUMENT": "invalid_value",
}
SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")

_decoder = msgspec.json.Decoder(Any)


def failure_of(status: int, body: bytes) -> Failure:
    """Return the failure in a reply whose status is an error."""
    found = decoded_or_none(_decoder, body)
    if isinstance(found, list) and found:
        found = found[0]
    error = found.get("error") if isinstance(found, dict) else None
    return failure_in(error if isinstance(error, dict) else {}, status)


def failure_in(error: Json, status: int = 502) -> Failure:
    """Return the failure of an error object; `status` is used where the object names none."""
    given = error.get("code")
    if isinstance(given, int) and 400 <= given < 600:
        status = given
    message = error.get("message")
    word = error.get("status")
    failure = Failure(
        status if 400 <= status < 600 else 502,
        message if isinstance(message, str) else f"The upstream answered with status {status}.",
        type=TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error"),
        code=CODES.get(str(word), str(word).lower() if word else None),
        retry_after=delay_in(error.get("details")),
    )
    if reason_in(error.get("details")) == "API_KEY_INVALID":  # which comes with status 400
        failure.status, failure.code = 401, "invalid_api_key"
    return name_overflow(failure)


def delay_in(details: Any) -> float | None:
    """Return the seconds of `RetryInfo`, if any."""
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and "retryDelay" in detail:
            found = SECONDS.fullmatch(str(detail["retryDelay"]))
            return float(found[1]) if found else None
    return None


def reason_in(details: Any) -> str | None:
    """Return the reason of `ErrorInfo`, if any."""
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and "reason" in detail:
            return str(detail["reason"])
    return None
