"""Two routers in a row, the second one the provider of the first."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import openai
import pytest

from support.config import MASTER_KEY, manifest, mock_manifest
from support.http_client import PATIENCE, http_client
from support.router import RouterProcess, router_process

HELLO = [{"role": "user", "content": "Hi"}]
Chain = tuple[RouterProcess, RouterProcess]


@pytest.fixture
async def chain(tmp_path: Path) -> AsyncIterator[Chain]:
    """The outer router, and the inner one that answers."""
    inner_file, outer_file = tmp_path / "inner.yaml", tmp_path / "outer.yaml"
    inner_file.write_text(mock_manifest("slow", reply="tokens:40", tokensPerSecond=40))
    async with contextlib.AsyncExitStack() as stack:
        inner = await stack.enter_async_context(router_process(tmp_path, "-f", str(inner_file)))
        credential = {
            "name": "inner",
            "type": "Router",
            "baseURL": inner.base_url,
            "secretRef": {"name": "keys", "key": "master"},
        }
        models = [{"name": "slow", "backends": [{"credential": "inner"}]}]
        outer_file.write_text(manifest([credential], models))
        outer = await stack.enter_async_context(router_process(tmp_path, "-f", str(outer_file)))
        yield outer, inner


async def test_a_stream_passes_through_both(chain: Chain) -> None:
    outer, _ = chain
    async with openai.AsyncOpenAI(base_url=outer.base_url, api_key=MASTER_KEY) as client:
        stream = await client.chat.completions.create(
            model="slow", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text.endswith("word39 word40")
    for router in chain:
        await router.until_metric("airouter_tokens_total", lambda tokens: tokens == 41.0)


async def test_one_request_has_one_id_in_both(chain: Chain) -> None:
    outer, inner = chain
    async with http_client(base_url=outer.url) as client:
        await client.post(
            "/v1/chat/completions",
            headers={"authorization": f"Bearer {MASTER_KEY}", "x-request-id": "both"},
            json={"model": "slow", "messages": HELLO},
        )
    async with asyncio.timeout(PATIENCE):
        while not (outer.access_log and inner.access_log):
            await asyncio.sleep(0.02)
    assert [line["request_id"] for r in chain for line in r.access_log] == ["both", "both"]


async def test_killing_the_client_cancels_both_upstream_calls(chain: Chain) -> None:
    outer, inner = chain
    reader, writer = await asyncio.open_connection("127.0.0.1", outer.port)
    endless = {"metadata": {"mock_reply": "tokens:99999"}}
    body = json.dumps({"model": "slow", "stream": True, "messages": HELLO, **endless}).encode()
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
        b"x-api-key: %b\r\ncontent-length: %d\r\n\r\n%b" % (MASTER_KEY.encode(), len(body), body)
    )
    await reader.readuntil(b"word1")
    assert await inner.metric("airouter_requests_in_flight") == 1.0
    writer.transport.abort()
    for router in chain:
        await router.until_metric("airouter_requests_in_flight", lambda requests: not requests)
