"""Google's errors in OpenAI's terms."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.dialects.gemini.errors import failure_of
from airouter.failures import Failure


def failed(status: int, word: str, message: str = "No.", *details: Any) -> Failure:
    error = {"code": status, "message": message, "status": word, "details": list(details)}
    return failure_of(status, msgspec.json.encode({"error": error}))


@pytest.mark.parametrize(
    ("status", "word", "type_", "code"),
    [
        (400, "INVALID_ARGUMENT", "invalid_request_error", "invalid_value"),
        (400, "FAILED_PRECONDITION", "invalid_request_error", "failed_precondition"),
        (401, "UNAUTHENTICATED", "invalid_request_error", "unauthenticated"),
        (403, "PERMISSION_DENIED", "invalid_request_error", "permission_denied"),
        (404, "NOT_FOUND", "invalid_request_error", "model_not_found"),
        (429, "RESOURCE_EXHAUSTED", "rate_limit_error", "rate_limit_exceeded"),
        (500, "INTERNAL", "server_error", "internal"),
        (503, "UNAVAILABLE", "server_error", "unavailable"),
        (504, "DEADLINE_EXCEEDED", "server_error", "deadline_exceeded"),
    ],
)
def test_a_status_has_its_type_and_code(status: int, word: str, type_: str, code: str) -> None:
    failure = failed(status, word, "It went wrong.")
    assert (failure.status, failure.type, failure.code) == (status, type_, code)
    assert failure.message == "It went wrong."


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [("34s", 34.0), ("34.074824224s", 34.074824224), ("0s", 0.0), ("soon", None)],
)
def test_google_says_when_to_come_again(delay: str, seconds: float | None) -> None:
    quota = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": []}
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    assert failed(429, "RESOURCE_EXHAUSTED", "Later.", quota, retry).retry_after == seconds


def test_a_wrong_key_is_a_401_whatever_google_says() -> None:
    reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    failure = failed(400, "INVALID_ARGUMENT", "API key not valid.", reason)
    assert (failure.status, failure.code) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    "message",
    [
        "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).",
        "The input token count is 40000 but model only supports up to 32768.",
    ],
)
def test_a_prompt_that_is_too_long_is_known_by_its_text(message: str) -> None:
    assert failed(400, "INVALID_ARGUMENT", message).code == "context_length_exceeded"


def test_an_error_in_an_array_is_read() -> None:
    body = b'[{"error": {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}}]'
    failure = failure_of(503, body)
    assert (failure.status, failure.message) == (503, "Overloaded.")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"[1]",
        b"7",
        b"{}",
        b'{"error":"no"}',
        b'{"error":{"code":"x"}}',
        b"\xff",
    ],
)
def test_what_is_no_error_of_google_s_keeps_its_status(body: bytes) -> None:
    failure = failure_of(418, body)
    assert (failure.status, failure.code, failure.retry_after) == (418, None, None)
    assert "418" in failure.message


def test_a_status_that_is_none_is_a_bad_gateway() -> None:
    assert failure_of(302, b"").status == 502
