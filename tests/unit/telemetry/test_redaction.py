"""Secrets do not survive; what is none does."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airouter.telemetry.redaction import REDACTED, RULES, RedactionRule, redact, redact_value

SECRETS = [
    ("Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"),
    ("authorization: Basic dXNlcjpwYXNzd29yZA==, next", "dXNlcjpwYXNzd29yZA=="),
    ("{'authorization': 'Bearer s3cr3t-t0ken', 'x': 1}", "s3cr3t-t0ken"),
    ("[(b'authorization', b'Token s3cr3t'), (b'host', b'a')]", "s3cr3t"),
    ('{"Authorization":"AWS4-HMAC-SHA256 Credential=A/b, Signature=fe5f80"}', "fe5f80"),
    (r'"{\"api_key\": \"s3cr3t\", \"model\": 1}"', "s3cr3t"),
    ("x-api-key: s3cr3t", "s3cr3t"),
    ("OPENAI_API_KEY=s3cr3t python", "s3cr3t"),
    ("https://host/v1?api-key=s3cr3t&alt=sse", "s3cr3t"),
    ("(b'x-goog-api-key', b's3cr3t')", "s3cr3t"),
    ("GET /v1/models?alt=sse&key=s3cr3t HTTP/1.1", "s3cr3t"),
    ("https://host/blob?sig=s3cr3t", "s3cr3t"),
    ("sent bearer abcd.efgh-ijkl to it", "abcd.efgh-ijkl"),
    ("Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA=="),
    ("Incorrect API key provided: sk-proj-abc123def456.", "sk-proj-abc123def456"),
    ("key sk-ant-api03-abcdefghij", "sk-ant-api03-abcdefghij"),
    ("gsk_abcdefghijklmnop", "gsk_abcdefghijklmnop"),
    ("AIzaSyA1234567890abcdefghijklmnop", "AIzaSyA1234567890abcdefghijklmnop"),
    ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "wJalrXUtnFEMI/K7MDENG"),
    ("x-amz-security-token: IQoJb3JpZ2lu", "IQoJb3JpZ2lu"),
    ("redis://user:s3cr3t@redis:6379/0", "s3cr3t"),
    ("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl", "c2lnbmF0dXJl"),
    ("ya29.a0AfH6SMBx-abc", "a0AfH6SMBx"),
    ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "MIIE"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", "MIIE"),
    ("Set-Cookie: session=s3cr3t; Path=/", "s3cr3t"),
    ("AUTHOR\u0130ZAT\u0130ON: Token s3cr3t", "s3cr3t"),
    ("Cook\u0131e: session=s3cr3t", "s3cr3t"),
    ("bas\u0131c dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA=="),
    ("\u017fecret-\u212aey: s3cr3t", "s3cr3t"),
]

HARMLESS = [
    "credential openai-main: connection refused",
    "missing authorization, request refused",
    "authorization failed for team-a",
    "input_tokens=12 output_tokens=340",
    "basic configuration of the token bucket",
    "GET http://127.0.0.1:8080/v1/models",
    "error invalid_token: expired",
    "model task-1 took 3 s",
]


bounded = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_is_taken_out(text: str, secret: str) -> None:
    redacted = redact(text)
    assert secret not in redacted
    assert REDACTED in redacted


@pytest.mark.parametrize("rule", RULES)
@bounded
@given(data=st.data())
def test_whatever_has_the_shape_of_a_secret_is_taken_out(
    rule: RedactionRule, data: st.DataObject
) -> None:
    text = data.draw(st.from_regex(rule.pattern, alphabet=st.characters(codec="ascii")))
    assert REDACTED in redact(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_what_stands_around_a_secret_stays() -> None:
    text = "{'authorization': 'Bearer s3cr3t-t0ken', 'x': 1}"
    assert redact(text) == "{'authorization': '[redacted]', 'x': 1}"


def test_values_are_searched_to_any_depth() -> None:
    value = {"a": [("sk-abcdefgh", 1)], "b": {"c": b"sk-abcdefgh"}, "d": None}
    assert redact_value(value) == {
        "a": [[REDACTED, 1]],
        "b": {"c": f"b'{REDACTED}'"},
        "d": None,
    }


def test_a_value_with_a_telling_name_is_taken_out_whatever_it_is() -> None:
    assert redact_value({"api_key": 12345, "X-Api-Key": ["a"]}) == {
        "api_key": REDACTED,
        "X-Api-Key": REDACTED,
    }


def test_an_object_is_shown_as_redacted_text() -> None:
    assert redact_value(ValueError("sk-abcdefgh")) == f"ValueError('{REDACTED}')"
