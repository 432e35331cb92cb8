"""Responses that pass through to an upstream which speaks them itself, played by hand."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from airouter.dialects.conversation import Reasoning, Signature
from airouter.dialects.provenance import pack_parts
from contract.services.stand_in import sse
from support.config import manifest
from support.in_loop import served
from support.raw_upstream import RawUpstream, raw_upstream

USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 14,
}
RESPONSE = {"id": "resp_1", "object": "response", "output": [], "usage": USAGE, "new": {"to": "us"}}
EVENTS = b"".join(
    sse({"type": kind, "sequence_number": number, "response": RESPONSE}, kind)
    for number, kind in enumerate(("response.created", "response.completed"))
)


def config(upstream: RawUpstream, **fields: Any) -> str:
    credential = {
        "name": "c",
        "type": "OpenAI",
        "baseURL": f"http://127.0.0.1:{upstream.port}/v1",
        "secretRef": {"name": "keys", "key": "upstream"},
        **fields,
    }
    model = {"name": "m", "backends": [{"credential": "c", "upstreamName": "real-m"}]}
    return manifest([credential], [model], secrets={"upstream": "sk-upstream"})


def answer(body: bytes, kind: str) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize("stream", [False, True])
async def test_a_response_passes_through_with_all_that_is_unknown_to_us(stream: bool) -> None:
    given = EVENTS if stream else json.dumps(RESPONSE).encode()
    kind = "text/event-stream" if stream else "application/json"
    async with raw_upstream() as upstream, served(config(upstream)) as router:
        body = {
            "model": "m",
            "input": "Hi",
            "stream": stream,
            "from_next_year": {"x": 1},
        }
        asking = router.client.build_request("POST", "/v1/responses", json=body)
        task = asyncio.create_task(router.client.send(asking))
        provider = await upstream.accept()
        request = await provider.request()
        assert request.startswith(b"POST /v1/responses ")
        sent = json.loads(request.partition(b"\r\n\r\n")[2])
        assert sent == {**body, "model": "real-m"}
        await provider.say(answer(given, kind))
        got = await task
        pinned = re.findall(rb'"id": ?"(resp_[^"]*)"', got.content)
        assert len(set(pinned)) == 1
        assert got.content == given.replace(b"resp_1", pinned[0])
        assert got.headers["content-type"].startswith(kind)
        metrics = (await router.client.get("/metrics")).text
    tokens = [line for line in metrics.splitlines() if "token" in line and line.endswith(" 9.0")]
    assert tokens, "the input tokens are counted"


async def test_what_another_provider_signed_stays_behind() -> None:
    packed = pack_parts([Reasoning(text="Hm", signature=Signature(maker="claude", value="x"))])
    items = [
        {"role": "user", "content": "Hi"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": packed},
        {"role": "user", "content": "Go on"},
    ]
    async with raw_upstream() as upstream, served(config(upstream)) as router:
        task = asyncio.create_task(
            router.client.post("/v1/responses", json={"model": "m", "input": items})
        )
        provider = await upstream.accept()
        request = await provider.request()
        sent = json.loads(request.partition(b"\r\n\r\n")[2])
        assert sent["input"] == [items[0], items[2]]
        await provider.say(answer(json.dumps(RESPONSE).encode(), "application/json"))
        await task


async def test_an_unknown_model_is_a_bad_request_here() -> None:
    async with raw_upstream() as upstream, served(config(upstream)) as router:
        got = await router.client.post("/v1/responses", json={"model": "nobody", "input": "Hi"})
    assert got.status_code == 400
    assert got.json()["error"]["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"input": "Hi", "wish": 1}, "wish"),
        ({}, "input"),
        ({"input": [{"role": "bot", "content": "Hi"}]}, "input[0].role"),
        ({"input": [{"type": "computer_call"}]}, "input[0]"),
        ({"input": [{"type": "function_call", "name": "f"}]}, "input[0]"),
        ({"input": [{"type": "function_call_output", "call_id": "x", "output": "y"}]}, "input"),
        (
            {
                "input": [
                    {"type": "function_call", "call_id": "x", "name": "f", "arguments": "{}"},
                    {"role": "user", "content": "Hi"},
                ]
            },
            "input",
        ),
        ({"input": "Hi", "previous_response_id": "resp_1"}, "previous_response_id"),
        ({"input": "Hi", "background": True, "store": False}, "background"),
        (
            {"input": "Hi", "conversation": "conv_1", "previous_response_id": "resp_1"},
            "conversation",
        ),
        ({"input": "Hi", "temperature": 3}, "temperature"),
        ({"input": "Hi", "metadata": {"k" * 65: "v"}}, "metadata"),
        ({"input": "Hi", "tools": [{"name": "f"}]}, "tools[0].type"),
        ({"input": "Hi", "tools": [{"type": "file_search"}]}, "tools"),
        ({"input": "Hi", "tool_choice": {"type": "mcp"}}, "tool_choice"),
        ({"input": [{"role": "user", "content": [{"type": "input_file"}]}]}, "input[0].content[0]"),
    ],
)
async def test_a_mistake_is_named_and_nothing_is_sent(body: dict[str, Any], field: str) -> None:
    async with raw_upstream() as upstream, served(config(upstream, api=["chat"])) as router:
        got = await router.client.post("/v1/responses", json={"model": "m", **body})
        assert upstream.count == 0
    assert got.status_code == 400
    assert got.json()["error"]["param"].startswith(field)
