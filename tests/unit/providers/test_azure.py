"""Azure OpenAI, played by hand, with the official SDK as the client."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest

from support.config import MASTER_KEY, manifest
from support.in_loop import served
from support.raw_upstream import raw_upstream

ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-2024-11-20",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hi", "refusal": None},
            "finish_reason": "stop",
            "content_filter_results": {"hate": {"filtered": False}},
        }
    ],
    "prompt_filter_results": [],
}


@pytest.mark.parametrize(
    ("azure", "line"),
    [
        ({}, b"POST /openai/v1/chat/completions HTTP/1.1"),
        (
            {"azure": {"apiVersion": "2024-10-21"}},
            b"POST /openai/deployments/mine/chat/completions?api-version=2024-10-21 HTTP/1.1",
        ),
    ],
)
async def test_a_chat_reaches_a_resource_in_both_forms(azure: dict[str, Any], line: bytes) -> None:
    async with raw_upstream() as upstream:
        credential = {
            "name": "c",
            "type": "AzureOpenAI",
            "baseURL": f"http://127.0.0.1:{upstream.port}",
            "secretRef": {"name": "keys", "key": "upstream"},
            **azure,
        }
        model = {"name": "m", "backends": [{"credential": "c", "upstreamName": "mine"}]}
        text = manifest([credential], [model], secrets={"upstream": "azure-key"})
        async with (
            served(text) as router,
            openai.AsyncOpenAI(
                base_url=f"http://127.0.0.1:{router.port}/v1", api_key=MASTER_KEY, max_retries=0
            ) as sdk,
        ):
            task = asyncio.create_task(
                sdk.chat.completions.create(
                    model="m", messages=[{"role": "user", "content": "Hello"}]
                )
            )
            provider = await upstream.accept()
            head, _, body = (await provider.request()).partition(b"\r\n\r\n")
            lines = head.split(b"\r\n")
            assert lines[0] == line
            assert b"api-key: azure-key" in lines
            assert json.loads(body)["model"] == "mine"
            data = json.dumps(ANSWER).encode()
            top = (
                f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(data)}"
            )
            await provider.say(top.encode() + b"\r\n\r\n" + data)
            completion = await task
    assert completion.choices[0].message.content == "Hi"
    assert (completion.model_extra or {})["prompt_filter_results"] == []
