"""Bodies about conversations that would take long, or much memory, to decode."""

from __future__ import annotations

import pytest

from support.config import mock_manifest
from support.in_loop import served

MANY = 600_000
PAIRS = b",".join(b'"%d":"a"' % number for number in range(MANY))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"items":[%b{}]}' % (b"{}," * MANY), "too_many_values"),
        (b'{"metadata":{%b}}' % PAIRS, "too_many_values"),
        (b'{"metadata":{"a":"%b"}}' % (b"x" * 200_000), "invalid_value"),
    ],
    ids=["items", "metadata", "long metadata"],
)
async def test_a_body_of_too_much_is_refused_before_it_is_decoded(body: bytes, code: str) -> None:
    async with served(mock_manifest("m")) as router:
        got = await router.client.post("/v1/conversations", content=body)
    assert (got.status_code, got.json()["error"]["code"]) == (400, code)
