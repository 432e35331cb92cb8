"""Bedrock's errors in OpenAI's terms."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from airouter.dialects.converse.errors import failure_of
from airouter.failures import Failure

TYPE = b"x-amzn-errortype"


def failure(
    status: int, kind: str = "", body: bytes | Mapping[str, object] = b'{"message":"No."}'
) -> Failure:
    headers = {TYPE: kind.encode()} if kind else {}
    given = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return failure_of(status, headers, given)


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("ValidationException", 400, (400, "invalid_request_error", None)),
        ("AccessDeniedException", 403, (403, "invalid_request_error", None)),
        ("ExpiredTokenException", 403, (403, "invalid_request_error", None)),
        ("ResourceNotFoundException", 404, (404, "invalid_request_error", "model_not_found")),
        ("ThrottlingException", 429, (429, "rate_limit_error", "rate_limit_exceeded")),
        ("ModelNotReadyException", 429, (429, "rate_limit_error", "rate_limit_exceeded")),
        ("ModelTimeoutException", 408, (408, "invalid_request_error", None)),
        ("ModelErrorException", 424, (502, "server_error", None)),
        ("ModelStreamErrorException", 424, (502, "server_error", None)),
        ("InternalServerException", 500, (500, "server_error", None)),
        ("ServiceUnavailableException", 503, (503, "server_error", None)),
        ("", 429, (429, "rate_limit_error", "rate_limit_exceeded")),
        ("", 424, (502, "server_error", None)),
        ("SomethingNewException", 418, (418, "invalid_request_error", None)),
    ],
)
def test_an_error_is_known_by_its_class(
    kind: str, status: int, expected: tuple[int, str, str | None]
) -> None:
    found = failure(status, kind)
    assert (found.status, found.type, found.code) == expected
    assert found.message == "No."


@pytest.mark.parametrize(
    "kind",
    [
        "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/",
        "com.amazon.coral.availability#ThrottlingException",
    ],
)
def test_a_class_is_known_with_what_stands_around_it(kind: str) -> None:
    assert failure(400, kind).status == 429


def test_a_class_may_stand_in_the_body() -> None:
    found = failure(400, body={"__type": "ThrottlingException", "Message": "Slow down."})
    assert (found.status, found.message) == (429, "Slow down.")


@pytest.mark.parametrize(
    "message",
    [
        "Input is too long for requested model.",
        "The model returned the following errors: Input is too long for requested model.",
        "The model returned the following errors: prompt is too long: 210000 tokens > 200000",
        "Too many input tokens. Max input tokens: 8000, request input token count: 9001",
        "Input Tokens Exceeded: Number of input tokens exceeds maximum length.",
        "This model's maximum context length is 8192 tokens. Please reduce the length.",
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
    ],
)
def test_a_prompt_that_is_too_long_is_told_from_other_faults(message: str) -> None:
    found = failure(400, "ValidationException", {"message": message})
    assert (found.status, found.code) == (400, "context_length_exceeded")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"7", b"\xff", b'{"message":""}'])
def test_an_error_without_words_still_is_one(body: bytes) -> None:
    found = failure(503, body=body)
    assert (found.status, found.message) == (503, "The upstream answered with status 503.")


def test_a_status_that_is_no_error_is_one_of_the_gateway() -> None:
    assert failure(302, body=b"").status == 502
