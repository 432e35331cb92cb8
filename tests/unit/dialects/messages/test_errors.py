"""Failures as clients of Anthropic know them."""

from __future__ import annotations

import msgspec
import pytest
from anthropic.types import ErrorResponse

from airouter.dialects.messages.errors import error_body, error_event, error_status
from airouter.failures import Failure


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (504, "timeout_error"),
    ],
)
def test_an_error_has_the_kind_of_its_status(status: int, kind: str) -> None:
    body = error_body(Failure(status, "No."))
    if status != 413:  # not among the SDK's types, and still the API's
        ErrorResponse.model_validate_json(body, strict=True)
    assert msgspec.json.decode(body)["error"] == {"type": kind, "message": "No."}
    assert error_status(Failure(status, "No.")) == status


def test_an_overload_has_a_status_of_its_own() -> None:
    overload = Failure(503, "Busy.", code="overloaded_error")
    assert error_status(overload) == 529
    assert b'"overloaded_error"' in error_body(overload)


def test_an_error_in_a_stream_is_an_event() -> None:
    failure = Failure(502, "No.")
    event = b"event: error\ndata: " + error_body(failure) + b"\n\n"
    assert error_event(failure) == event
