"""Ten thousand requests that nobody should send: never a 500, never a traceback, no growth."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import Any

from support.config import MASTER_KEY, mock_manifest
from support.router import RouterProcess, router_process

REQUESTS = 10_000
CLIENTS = 8
GROWTH = 24 * 1_048_576
SEED = 20261123

BODY: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "Hello!"}],
    "stream": False,
    "stream_options": {"include_usage": True},
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    "tool_choice": "auto",
    "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}},
    "metadata": {"mock_reply": "echo"},
    "input": ["a", "b"],
    "dimensions": 8,
    "max_tokens": 5,
    "stop": ["x"],
    "n": 1,
}
ODD: list[Any] = [
    None, True, 0, -1, 10**30, 1e308, "", "x" * 5_000, "\u0000", "\ud83d\ude00", [], {}, [[]],
    [None], {"": {}}, [{"role": 1}], {"type": []}, {"$ref": "#"}, [1, "a", {}],
    {"mock_status": "498"},
]  # fmt: skip
METHODS = ("POST", "POST", "POST", "GET", "PUT", "BREW")
PATHS = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/models", "/health", "/x")
HEADERS = (
    "accept: \x7f", "x-request-id: " + "i" * 300, "x-request-id: a b", "traceparent: 00-zz-00-01",
    "traceparent: 00-" + "a" * 32 + "-" + "b" * 16 + "-01", "tracestate: " + "t=1," * 300,
    "content-encoding: gzip", "content-type: text/plain", "expect: 100-continue", "cookie: a=b",
    "transfer-encoding: gzip, chunked", "content-length: 3", "connection: upgrade\r\nupgrade: h2c",
    "authorization: Basic AAAA", "authorization: Bearer", "x-api-key: \u00fc", ": empty", "a b: c",
)  # fmt: skip


def mutated_body(rng: random.Random) -> bytes:
    """A request with odd values, its text sometimes damaged."""
    body = dict(BODY)
    for _ in range(rng.randrange(4)):
        body[rng.choice(list(body) or ["model"])] = rng.choice(ODD)
        if rng.random() < 0.3:
            body.pop(rng.choice(list(body)))
    data = bytearray(json.dumps(body).encode())
    if rng.random() < 0.5:
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
    if rng.random() < 0.1:
        del data[rng.randrange(len(data)) :]
    if rng.random() < 0.02:
        data = bytearray(b"[" * 100_000)
    return bytes(data)


def hostile_request(rng: random.Random) -> bytes:
    """Bytes that are nearly a request."""
    body = mutated_body(rng)
    lines = [
        f"{rng.choice(METHODS)} {rng.choice(PATHS)} HTTP/1.1",
        "host: x",
        "connection: close",
        f"authorization: Bearer {MASTER_KEY if rng.random() < 0.9 else 'wrong'}",
        f"content-length: {len(body) if rng.random() < 0.95 else rng.randrange(10**6)}",
        *rng.sample(HEADERS, rng.randrange(3)),
    ]
    data = bytearray("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    if rng.random() < 0.1:
        data[rng.randrange(min(len(data), 200))] = rng.randrange(256)
    return bytes(data)


async def ask(router: RouterProcess, data: bytes) -> bytes:
    """Send it, say that no more comes, and take what is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", router.port)
    answer = b""
    try:
        writer.write(data)
        async with asyncio.timeout(0.5):
            answer = await reader.read(200_000)
    except (TimeoutError, ConnectionError):
        pass  # it waits for the rest of a request, or has had enough of this one
    finally:
        writer.transport.abort()
    return answer


async def attack(router: RouterProcess, rng: random.Random, count: int) -> list[bytes]:
    """The answers that no client may ever see."""
    bad = []
    for _ in range(count):
        answer = await ask(router, hostile_request(rng))
        if answer.startswith(b"HTTP/1.1 5") or b"Traceback" in answer:
            bad.append(answer)
    return bad


async def test_ten_thousand_hostile_requests_are_answered_without_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "router.yaml"
    path.write_text(mock_manifest("m"))
    async with router_process(
        tmp_path, "-f", str(path), AIROUTER_MAX_BODY_BYTES="200000", AIROUTER_ACCESS_LOG="false"
    ) as router:
        await attack(router, random.Random(SEED), 500)
        memory = router.memory()
        attackers = [random.Random(SEED + number) for number in range(CLIENTS)]
        share = REQUESTS // CLIENTS
        found = await asyncio.gather(*(attack(router, rng, share) for rng in attackers))
        assert [answer for answers in found for answer in answers] == []
        assert "Traceback" not in router.log
        assert (await router.health())["status"] == "ok"
        await router.until_metric("airouter_connections", lambda open_: open_ <= 1)
        assert router.memory() - memory < GROWTH
