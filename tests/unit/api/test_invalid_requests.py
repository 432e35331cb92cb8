"""Requests that are to be translated and are wrong: told by field, and nothing is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from support.config import manifest
from support.in_loop import Served, served
from support.raw_upstream import RawUpstream, raw_upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

HI: dict[str, Any] = {"role": "user", "content": "Hi"}
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLED = {"role": "assistant", "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "1", "content": "x"}
TOOL = {"type": "function", "function": {"name": "f"}}
USE = {"type": "tool_use", "id": "1", "name": "f", "input": {}}
MODELS = {
    "old": "claude-3-5-haiku-20241022",
    "budget": "claude-sonnet-4-5-20250929",
    "new": "claude-opus-4-7",
}


class World:
    """A router in front of an Anthropic that must not be asked."""

    def __init__(self, router: Served, upstream: RawUpstream) -> None:
        self.router = router
        self.upstream = upstream

    async def refused(self, path: str, body: dict[str, Any], model: str = "budget") -> Any:
        before = self.upstream.count
        got = await self.router.client.post(path, json={"model": model, **body})
        assert self.upstream.count == before
        assert got.status_code == 400, got.text
        return got.json()["error"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everything() -> AsyncIterator[World]:
    async with raw_upstream() as upstream:
        credential = {
            "name": "c",
            "type": "Anthropic",
            "baseURL": f"http://127.0.0.1:{upstream.port}",
            "secretRef": {"name": "keys", "key": "upstream"},
            "timeouts": {"connect": "1s", "total": "1s"},  # should one be sent all the same
        }
        models = [
            {"name": name, "backends": [{"credential": "c", "upstreamName": real}]}
            for name, real in MODELS.items()
        ]
        text = manifest([credential], models, secrets={"upstream": "sk-ant"})
        async with served(text) as router:
            yield World(router, upstream)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "bot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [HI], "wish": 1}, "wish"),
        ({"messages": [HI], "functions": [{}]}, "functions[0].name"),
        ({"messages": [HI], "function_call": {"name": "f"}}, "function_call"),
        (
            {"messages": [HI, {"role": "assistant", "function_call": "f"}]},
            "messages[1].function_call",
        ),
        ({"messages": [HI], "temperature": 3}, "temperature"),
        ({"messages": [HI], "max_tokens": 0}, "max_tokens"),
        ({"messages": [HI], "stream_options": {"include_usage": True}}, "stream_options"),
        ({"messages": [HI], "top_logprobs": 3}, "top_logprobs"),
        ({"messages": [HI], "tools": [TOOL, TOOL]}, "tools[1].function.name"),
        ({"messages": [HI], "tool_choice": "required"}, "tool_choice"),
        (
            {
                "messages": [HI],
                "tools": [TOOL],
                "tool_choice": {"type": "function", "function": {"name": "g"}},
            },
            "tool_choice",
        ),
        ({"messages": [HI, RESULT]}, "messages[1]"),
        ({"messages": [HI, CALLED]}, "messages[1]"),
        ({"messages": [HI, CALLED, HI]}, "messages[1]"),
        ({"messages": [HI, {**CALLED, "tool_calls": [CALL, CALL]}, RESULT]}, "messages[1]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "video"}]}]},
            "messages[0].content[0].type",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "cat.png"}}],
                    }
                ]
            },
            "messages[0].content[0].image_url.url",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "data:x,y"}}],
                    }
                ]
            },
            "messages[0].content[0].image_url.url",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]},
            "messages[0].content[0].file",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "image_url", "image_url": {"url": "data:image/bmp;base64,AA"}}
                        ],
                    }
                ]
            },
            "messages[0]",
        ),
        ({"messages": [HI], "stop": [" "]}, "stop"),
        ({"messages": [HI], "modalities": ["text", "audio"]}, "modalities"),
        ({"messages": [HI], "logit_bias": {"1": 1}}, "logit_bias"),
        ({"messages": [HI], "moderation": {"model": "m"}}, "moderation"),
        ({"messages": [HI], "temperature": 0.5, "top_p": 0.5}, "top_p"),
        ({"messages": [HI], "temperature": 0.2, "reasoning_effort": "low"}, "temperature"),
        ({"messages": [HI], "top_k": 3, "reasoning_effort": "low"}, "top_k"),
    ],
)
async def test_a_mistake_in_a_chat_is_named(
    everything: World, body: dict[str, Any], field: str
) -> None:
    error = await everything.refused("/v1/chat/completions", body)
    assert error["param"] == field
    assert error["message"]


@pytest.mark.parametrize(
    ("model", "fields", "field"),
    [
        ("old", {"reasoning_effort": "low"}, "reasoning_effort"),
        ("new", {"temperature": 0.5}, "temperature"),
        ("new", {"top_k": 5}, "top_k"),
    ],
)
async def test_what_a_generation_lacks_is_named(
    everything: World, model: str, fields: dict[str, Any], field: str
) -> None:
    body = {"messages": [HI], **fields}
    error = await everything.refused("/v1/chat/completions", body, model)
    assert error["param"] == field
    assert f"'{model}'" in error["message"]


@pytest.mark.parametrize(
    "part",
    [
        "x" * 10,
        '{"model": "budget", "messages": [',
        '{"model": "budget", "messages": ' + "[" * 5_000 + "]" * 5_000 + "}",
    ],
)
async def test_what_is_no_json_is_told(everything: World, part: str) -> None:
    got = await everything.router.client.post("/v1/chat/completions", content=part)
    assert got.status_code == 400
    assert everything.upstream.count == 0
