"""Headers of providers that say when to ask again."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from airouter.dialects.gemini.errors import failure_in
from airouter.providers.headers import Headroom, headroom, retry_after


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({b"retry-after": b"7"}, 7.0),
        ({b"retry-after": b"0.5"}, 0.5),
        ({b"retry-after-ms": b"250", b"retry-after": b"7"}, 0.25),
        ({b"retry-after": b"soon"}, None),
        ({b"retry-after": b"-1"}, None),
        ({b"retry-after": b"inf"}, None),
        ({b"retry-after": b"nan"}, None),
        ({b"retry-after": b"9" * 99}, None),
        ({b"retry-after": b"Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({b"retry-after": b"\xff"}, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(
    headers: dict[bytes, bytes], seconds: float | None
) -> None:
    assert retry_after(503, headers) == seconds


def test_retry_after_may_be_a_date() -> None:
    date = formatdate(time.time() + 60, usegmt=True).encode()
    assert retry_after(503, {b"retry-after": date}) == pytest.approx(60, abs=2)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({b"x-ratelimit-remaining-requests": b"0", b"x-ratelimit-reset-requests": b"6m0s"}, 360),
        ({b"x-ratelimit-remaining-tokens": b"0", b"x-ratelimit-reset-tokens": b"120ms"}, 0.12),
        ({b"x-ratelimit-remaining-tokens": b"0", b"x-ratelimit-reset-tokens": b"1h1s"}, 3601),
        ({b"x-ratelimit-remaining-tokens": b"5", b"x-ratelimit-reset-tokens": b"1s"}, None),
        (
            {
                b"anthropic-ratelimit-tokens-remaining": b"0",
                b"anthropic-ratelimit-tokens-reset": b"2015-10-21T07:28:00Z",
            },
            0,
        ),
        (
            {
                b"anthropic-ratelimit-tokens-remaining": b"0",
                b"anthropic-ratelimit-tokens-reset": b"soon",
            },
            None,
        ),
    ],
)
def test_a_used_up_limit_says_when_it_begins_anew(
    headers: dict[bytes, bytes], seconds: float | None
) -> None:
    assert retry_after(429, headers) == seconds
    assert retry_after(500, headers) is None


@pytest.mark.parametrize(
    "headers",
    [
        {b"retry-after": b"1e15"},
        {b"retry-after": b"9999999999"},
        {b"retry-after-ms": b"99999999999999"},
        {b"retry-after": b"Fri, 31 Dec 9999 23:59:59 GMT"},
        {b"x-ratelimit-remaining-requests": b"0", b"x-ratelimit-reset-requests": b"9" * 400 + b"s"},
    ],
)
def test_a_provider_is_asked_again_after_a_day_at_the_latest(headers: dict[bytes, bytes]) -> None:
    assert retry_after(429, headers) == 86_400


@pytest.mark.parametrize("text", [b"-1", b"nan", b"inf", b"-inf", b"soon", b""])
def test_what_is_no_time_is_none(text: bytes) -> None:
    assert retry_after(503, {b"retry-after": text}) is None


def test_a_delay_of_google_is_a_day_at_most() -> None:
    details = [{"retryDelay": "9" * 400 + "s"}]
    assert failure_in({"code": 429, "details": details}).retry_after == 86_400


OPENAI = {
    b"x-ratelimit-limit-requests": b"1000",
    b"x-ratelimit-remaining-requests": b"900",
    b"x-ratelimit-reset-requests": b"6s",
    b"x-ratelimit-limit-tokens": b"200000",
    b"x-ratelimit-remaining-tokens": b"50000",
    b"x-ratelimit-reset-tokens": b"1m0s",
}


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({}, None),
        (OPENAI, Headroom(0.25, 60.0)),
        (OPENAI | {b"x-ratelimit-remaining-requests": b"0"}, Headroom(0.0, 6.0)),
        (OPENAI | {b"x-ratelimit-limit-tokens": b"0"}, Headroom(0.9, 6.0)),
        (OPENAI | {b"x-ratelimit-reset-tokens": b"soon"}, Headroom(0.9, 6.0)),
        ({b"x-ratelimit-remaining-requests": b"1"}, None),
    ],
)
def test_the_tightest_limit_of_a_provider_is_what_it_leaves(
    headers: dict[bytes, bytes], found: Headroom | None
) -> None:
    assert headroom(headers) == found
