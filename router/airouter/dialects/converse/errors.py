"""Bedrock's errors: the class stands in a header, or names a frame of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.overflow import name_overflow
from airouter.failures import Failure
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPE_HEADER = b"x-amzn-errortype"
STATUSES = {
    "validation": 400,
    "servicequotaexceeded": 400,
    "accessdenied": 403,
    "resourcenotfound": 404,
    "modeltimeout": 408,
    "modelerror": 502,
    "modelstreamerror": 502,
    "throttling": 429,
    "modelnotready": 429,
    "internalserver": 500,
    "serviceunavailable": 503,
    "expiredtoken": 403,
    "unrecognizedclient": 403,
}
CODES = {404: "model_not_found", 429: "rate_limit_exceeded"}

_object = msgspec.json.Decoder(dict[str, Any])


def failure_of(status: int, headers: Mapping[bytes, bytes], body: bytes) -> Failure:
    """Return the failure in a reply whose status is an error."""
    error = error_members(body)
    given = headers.get(TYPE_HEADER, b"").decode("latin-1") or str(error.get("__type") or "")
    name = given.partition(":")[0].rpartition("#")[2]
    return failure_in(name, error, status)


def failure_in(name: str, error: Mapping[str, Any], status: int = 502) -> Failure:
    """Return the failure of a class; `status` is used where the class is not known."""
    key = name.lower().removesuffix("exception").removesuffix("error")
    key = key if key in STATUSES else name.lower().removesuffix("exception")
    # 424 is how Bedrock says that the model failed: no fault of the client's.
    status = STATUSES.get(key, 502 if status == 424 else status)
    if not 400 <= status < 600:
        status = 502
    message = error.get("message") or error.get("Message") or error.get("originalMessage")
    type_ = "server_error" if status >= 500 else "invalid_request_error"
    failure = Failure(
        status,
        str(message or f"The upstream answered with status {status}."),
        type="rate_limit_error" if status == 429 else type_,
        code=CODES.get(status),
    )
    return name_overflow(failure)


def error_members(body: bytes) -> dict[str, Any]:
    """Return the object in a body; an empty one where there is none."""
    return decoded_or_none(_object, body) or {}
