"""What providers say when they refuse, in OpenAI's terms and without their account."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airouter.config.snapshot import Credential
from airouter.dialects.chat.errors import error_object
from airouter.failures import Failure
from airouter.providers.base import ERROR_LIMIT
from airouter.providers.registry import load_providers

PROVIDERS = load_providers()
SECRET = "sk-live-0123456789abcdef"
CREDENTIAL = Credential(name="c", type="OpenAI", secret=SECRET)


def failure(status: int, body: Any) -> Failure:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return PROVIDERS["OpenAI"].failure(status, {}, data, CREDENTIAL)


def test_an_openai_error_is_passed_on() -> None:
    error = {"message": "Too long", "type": "invalid_request_error", "param": "x", "code": "y"}
    found = failure(400, {"error": error})
    assert (found.status, found.message, found.type, found.param, found.code) == (
        400,
        "Too long",
        "invalid_request_error",
        "x",
        "y",
    )


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "why"}},
        {"error": "why"},
        {"message": "why"},
        {"detail": "why"},
        {"object": "error", "message": "why", "code": 40001},
        [{"error": {"message": "why"}}],
    ],
)
def test_other_shapes_are_understood(body: Any) -> None:
    assert failure(400, body).message == "why"


@pytest.mark.parametrize("key", ["detail", "message"])
def test_a_list_of_what_is_wrong_says_where(key: str) -> None:
    wrong = [{"type": "extra_forbidden", "loc": ["body", "verbosity"], "msg": "Not permitted"}]
    given = wrong if key == "detail" else {"detail": wrong}
    found = failure(422, {"object": "error", key: given, "type": "invalid_request_error"})
    assert (found.message, found.status) == ("body.verbosity: Not permitted", 422)


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
        "the request exceeds the available context size, try increasing it",
        "The input exceeds the model's context window.",
        "Context length exceeded",
    ],
)
def test_a_prompt_that_is_too_long_has_openais_code(message: str) -> None:
    found = failure(400, {"error": {"message": message, "code": 400}})
    assert found.code == "context_length_exceeded"


FILTERED = {"content_filter_result": {"hate": {"filtered": True, "severity": "high"}}}


def test_what_azures_filter_found_is_told() -> None:
    inner = {"code": "ResponsibleAIPolicyViolation", **FILTERED}
    said = {"message": "Filtered.", "code": "content_filter", "innererror": {**inner, "x": "y"}}
    assert error_object(failure(400, {"error": said}))["innererror"] == inner


@pytest.mark.parametrize("inner", [None, "x", {}, {"x": "y"}, {"code": "x" * 5_000}])
def test_no_other_inner_error_is_told(inner: Any) -> None:
    said = {"message": "No.", "innererror": inner}
    assert "innererror" not in error_object(failure(400, {"error": said}))


def test_only_a_prompt_that_is_too_long_has_it() -> None:
    said = {"message": "Invalid value for the context window.", "code": "invalid_value"}
    assert failure(400, {"error": said}).code == "invalid_value"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502 Bad Gateway</html>",
        b"null",
        b"[]",
        b"7",
        b'{"error": 7}',
        b"\xff",
        b"[" * 9999,
    ],
)
def test_a_body_that_says_nothing_leaves_the_status(body: bytes) -> None:
    assert failure(503, body).message == "The upstream answered with status 503."


@pytest.mark.parametrize("status", [401, 403, 407])
def test_a_refused_credential_is_not_the_clients_fault(status: int) -> None:
    found = failure(status, {"error": {"message": f"Incorrect API key provided: {SECRET}"}})
    assert (found.status, found.code) == (502, "upstream_authentication_failed")
    assert SECRET not in found.message


@pytest.mark.parametrize("status", [301, 304, 600, 999])
def test_a_status_that_is_no_error_of_http_becomes_502(status: int) -> None:
    assert failure(status, {}).status == 502


@pytest.mark.parametrize(
    "quoted",
    [SECRET, "org-AbCdEf123456", "proj_AbCdEf123456", "sk-proj-***********wxyz", "acct_1234567"],
)
def test_nothing_of_the_account_is_passed_on(quoted: str) -> None:
    message = failure(429, {"error": {"message": f"Limit of {quoted} on requests reached"}}).message
    assert quoted not in message
    assert message.startswith("Limit of ***")


def test_a_long_message_is_cut() -> None:
    assert len(failure(400, {"message": "x" * 100_000}).message) == 2_000


def test_all_fields_of_an_error_are_cut() -> None:
    found = failure(400, {"error": dict.fromkeys(("type", "code", "param"), "x" * 100_000)})
    assert (found.type, found.code, found.param) == ("x" * 256, "x" * 256, "x" * 256)


def test_an_error_of_megabytes_leaves_the_status() -> None:
    found = failure(500, {"error": {"message": "why", "more": "x" * ERROR_LIMIT}})
    assert found.message == "The upstream answered with status 500."


@pytest.mark.parametrize(
    ("status", "type_"),
    [(400, "invalid_request_error"), (429, "rate_limit_error"), (500, "server_error")],
)
def test_an_error_without_a_type_gets_one(status: int, type_: str) -> None:
    assert failure(status, {}).type == type_


def test_a_credential_without_a_secret_sends_no_authorization() -> None:
    anonymous = Credential(name="c", type="OpenAICompatible")
    assert PROVIDERS["OpenAICompatible"].authorization(anonymous) == []
