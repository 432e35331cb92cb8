"""Tokens of a prompt, of providers that count them, and of those that have no such API."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from support.chat_provider import UPSTREAM_KEY, answer, credential, http
from support.config import manifest
from support.in_loop import served
from support.raw_upstream import RawUpstream

ASKED: dict[str, dict[str, Any]] = {
    "/v1/messages/count_tokens": {"messages": [{"role": "user", "content": "Hello!"}]},
    "/v1/responses/input_tokens": {"input": "Hello!"},
}
PROVIDERS: dict[str, dict[str, Any]] = {
    "Anthropic": {"type": "Anthropic", "api": None},
    "Gemini": {"type": "Gemini", "api": None},
    "compatible": {"api": ["responses"]},
}
MISSING = {"error": {"type": "not_found_error", "message": "Not Found"}}


def config(upstream: RawUpstream, provider: str) -> str:
    account = credential("c", upstream) | PROVIDERS[provider]
    account = {name: value for name, value in account.items() if value is not None}
    model = {"name": "m", "backends": [{"credential": "c", "upstreamName": "kimi-k3"}]}
    return manifest([account], [model], secrets={"upstream": UPSTREAM_KEY})


@pytest.mark.parametrize(
    "refusal",
    [
        http(404, MISSING),
        http(404, {"detail": "Not Found"}),
        http(404, b"<html>404 page not found</html>", kind="text/html"),
        http(405, {"detail": "Method Not Allowed"}),
        http(501, {}),
    ],
    ids=["Anthropic's words", "FastAPI's", "a page", "405", "501"],
)
@pytest.mark.parametrize(
    ("provider", "path"),
    [
        ("Anthropic", "/v1/messages/count_tokens"),
        ("Anthropic", "/v1/responses/input_tokens"),
        ("Gemini", "/v1/messages/count_tokens"),
        ("compatible", "/v1/responses/input_tokens"),
    ],
)
async def test_tokens_are_estimated_where_a_provider_has_no_counter(
    first: RawUpstream, provider: str, path: str, refusal: bytes
) -> None:
    async with served(config(first, provider)) as router:
        asking = asyncio.create_task(router.client.post(path, json={"model": "m"} | ASKED[path]))
        await answer(first, refusal)
        told = await asking
    assert told.status_code == 200, told.text
    assert told.json()["input_tokens"] > 0
    assert told.headers["x-airouter-estimated"] == "true"


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (http(404, {"error": {"type": "not_found_error", "message": "model: kimi-k3"}}), 404),
        (http(400, {"error": {"message": "max_tokens: Extra inputs are not permitted"}}), 400),
    ],
    ids=["no such model", "a bad request"],
)
async def test_what_a_counter_refuses_is_told(
    first: RawUpstream, refusal: bytes, status: int
) -> None:
    path = "/v1/messages/count_tokens"
    async with served(config(first, "Anthropic")) as router:
        asking = asyncio.create_task(router.client.post(path, json={"model": "m"} | ASKED[path]))
        await answer(first, refusal)
        assert (await asking).status_code == status
