"""Messages that pass through to Anthropic, played by hand: all that is unknown to us survives."""

from __future__ import annotations

import asyncio
import json

import pytest

from support.config import manifest
from support.in_loop import served
from support.raw_upstream import RawUpstream, raw_upstream

BODY = {
    "model": "m",
    "max_tokens": 5,
    "messages": [{"role": "user", "content": [{"type": "hologram", "depth": 3}]}],
    "from_next_year": {"x": [1, None]},
}
STREAMED = BODY | {"stream": True}
ANSWER = b'{"id":"msg_1","content":[],"usage":{"input_tokens":4},"new": {"to":  "us"}}'
EVENTS = (
    b'event: message_start\r\ndata: {"type":"message_start","message":{"usage":{"input_tokens":4}}}'
    b'\r\n\r\nevent: hologram\r\ndata: {"type":"hologram"}\r\n\r\n'
    b'event: message_stop\r\ndata: {"type":"message_stop"}\r\n\r\n'
)


def config(upstream: RawUpstream) -> str:
    credential = {
        "name": "c",
        "type": "Anthropic",
        "baseURL": f"http://127.0.0.1:{upstream.port}",
        "secretRef": {"name": "keys", "key": "upstream"},
    }
    model = {"name": "m", "backends": [{"credential": "c", "upstreamName": "claude-opus-4-7"}]}
    return manifest([credential], [model], secrets={"upstream": "sk-ant"})


@pytest.mark.parametrize(
    ("kind", "answer", "asked"),
    [("application/json", ANSWER, BODY), ("text/event-stream", EVENTS, STREAMED)],
)
async def test_bytes_are_untouched_both_ways(
    kind: str, answer: bytes, asked: dict[str, object]
) -> None:
    async with raw_upstream() as upstream, served(config(upstream)) as router:
        headers = {"anthropic-version": "2026-10-21", "anthropic-beta": "holograms-2027-01-01"}
        task = asyncio.create_task(router.client.post("/v1/messages", json=asked, headers=headers))
        provider = await upstream.accept()
        head, _, body = (await provider.request()).partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        assert lines[0].startswith(b"post /v1/messages ")
        assert b"x-api-key: sk-ant" in lines
        assert b"anthropic-version: 2026-10-21" in lines
        assert b"anthropic-beta: holograms-2027-01-01" in lines
        assert not any(line.startswith(b"authorization") for line in lines)
        assert json.loads(body) == {**asked, "model": "claude-opus-4-7"}
        length = f"content-length: {len(answer)}\r\n\r\n"
        await provider.say(f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n{length}".encode() + answer)
        got = await task
    assert got.content == answer
    assert got.headers["content-type"].startswith(kind)
    assert got.headers["request-id"] == got.headers["x-request-id"]


DEEP = b'{"usage":{"input_tokens":4},"totalTokens":4,"input_tokens":4,"x":' + b"[" * 15_000
PROMPT = {"model": "m", "messages": [{"role": "user", "content": "Hello!"}]}


@pytest.mark.parametrize(
    ("path", "type_", "body"),
    [
        ("/v1/messages/count_tokens", "Gemini", PROMPT),
        ("/v1/responses/input_tokens", "Anthropic", {"model": "m", "input": "Hello!"}),
    ],
)
async def test_a_count_that_is_nested_too_deeply_is_asked_of_the_next_backend(
    path: str, type_: str, body: dict[str, object]
) -> None:
    async with raw_upstream() as first, raw_upstream() as second:
        text = several((type_, first), ("Anthropic", second))
        async with served(text) as router:
            task = asyncio.create_task(router.client.post(path, json=body))
            for upstream, answer in ((first, DEEP), (second, b'{"input_tokens":31}')):
                provider = await upstream.accept()
                await provider.request()
                await provider.say(ok(answer))
            got = await task
    assert (got.status_code, got.json()["input_tokens"]) == (200, 31)


async def test_a_stream_whose_usage_is_nested_too_deeply_reaches_its_client_whole() -> None:
    events = b"event: message_start\ndata: " + DEEP + b"\n\n" + EVENTS
    async with raw_upstream() as upstream, served(config(upstream)) as router:
        task = asyncio.create_task(router.client.post("/v1/messages", json=STREAMED))
        provider = await upstream.accept()
        await provider.request()
        await provider.say(ok(events, "text/event-stream"))
        got = await task
    assert got.content == events


def several(*upstreams: tuple[str, RawUpstream]) -> str:
    """Return a manifest of model `m` with a backend of a type on each upstream, in this order."""
    credentials = [
        {
            "name": f"c{at}",
            "type": type_,
            "baseURL": f"http://127.0.0.1:{upstream.port}",
            "secretRef": {"name": "keys", "key": "upstream"},
            "priority": at,
        }
        for at, (type_, upstream) in enumerate(upstreams)
    ]
    backends = [{"credential": each["name"], "upstreamName": "m-1"} for each in credentials]
    retries = {"retries": {"attempts": 2, "backoff": {"initial": "1ms", "max": "50ms"}}}
    models = [{"name": "m", "backends": backends}]
    return manifest(credentials, models, secrets={"upstream": "k"}, resilience=retries)


def ok(body: bytes, kind: str = "application/json") -> bytes:
    """Return a reply of status 200."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body
