"""Conversations to be made short, of providers of Responses that have no such API."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from support.chat_provider import UPSTREAM_KEY, answer, credential, http
from support.config import manifest
from support.in_loop import served
from support.raw_upstream import RawUpstream

ASKED: dict[str, Any] = {"model": "m", "input": "Hello!"}


def config(upstream: RawUpstream) -> str:
    account = credential("c", upstream) | {"api": ["responses"]}
    model = {"name": "m", "backends": [{"credential": "c", "upstreamName": "qwen3"}]}
    return manifest([account], [model], secrets={"upstream": UPSTREAM_KEY})


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (http(404, {"detail": "Not Found"}), "cannot compact"),
        (http(405, {"detail": "Method Not Allowed"}), "cannot compact"),
        (http(404, {"error": {"message": "The model qwen3 does not exist"}}), "does not exist"),
    ],
    ids=["no such path", "a path for something else", "no such model"],
)
async def test_a_provider_that_cannot_compact_is_named_as_such(
    first: RawUpstream, refusal: bytes, told: str
) -> None:
    async with served(config(first)) as router:
        asking = asyncio.create_task(router.client.post("/v1/responses/compact", json=ASKED))
        await answer(first, refusal)
        refused = await asking
    assert told in refused.json()["error"]["message"]
    assert refused.status_code == (400 if told == "cannot compact" else 404)
