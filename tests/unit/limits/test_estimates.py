"""Sizes of requests in tokens."""

from __future__ import annotations

import base64
import json

from airouter.dialects.client_request import parse_client_request
from airouter.limits.estimates import Estimates, size_in_tokens


def test_a_large_body_is_sampled_to_about_its_size() -> None:
    body = json.dumps(
        {"messages": [{"role": "user", "content": "one word after another " * 40}] * 500}
    )
    assert abs(size_in_tokens(body.encode()) - len(body) / 4) < len(body) / 100


def test_an_image_is_no_text_however_large() -> None:
    image = base64.b64encode(bytes(range(256)) * 20_000).decode()
    body = json.dumps({"text": "x" * 400, "url": f"data:image/png;base64,{image}"}).encode()
    assert size_in_tokens(body) < 10_000


def test_what_a_client_wants_at_most_is_what_is_reserved_for_the_answer() -> None:
    estimates = Estimates()
    for field in ("max_tokens", "max_completion_tokens", "max_output_tokens"):
        request = parse_client_request(b'{"model":"m","%b":7000}' % field.encode())
        assert 7_000 < estimates.of("m", request).tokens < 7_100
    for value in (b'"many"', b"null", b"-5", b"1e3", b"99999999999999999999"):
        request = parse_client_request(b'{"model":"m","max_tokens":%b}' % value)
        assert estimates.of("m", request).tokens < 1_000


def test_of_several_answers_each_may_be_as_long() -> None:
    estimates = Estimates()
    request = parse_client_request(b'{"model":"m","max_tokens":1000,"n":4}')
    assert 4_000 < estimates.of("m", request).tokens < 4_100
    for value in (b"null", b"0", b"-1", b'"two"', b"1.5"):
        request = parse_client_request(b'{"model":"m","max_tokens":1000,"n":%b}' % value)
        assert 1_000 < estimates.of("m", request).tokens < 1_100


def test_tokens_of_what_no_body_says_are_not_learnt() -> None:
    estimates = Estimates()
    going_on = parse_client_request(b'{"model":"m","previous_response_id":"r","input":"more"}')
    for _ in range(20):
        estimates.of("m", going_on).compare(100_000, 256)
    request = parse_client_request(b'{"model":"m","input":"%b"}' % (b"x" * 4_000))
    assert estimates.of("m", request).tokens < 1_500
