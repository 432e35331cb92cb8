"""A provider of chats that a test plays by hand, and models that it serves."""

from __future__ import annotations

import json
from typing import Any

from support.config import manifest
from support.raw_upstream import Conversation, RawUpstream

UPSTREAM_KEY = "sk-upstream-secret-0123456789"
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    "something_new": {"from": "the provider"},
}
EVENT_STREAM = "text/event-stream"


def http(status: int, body: Any, *headers: str, kind: str = "application/json") -> bytes:
    """A whole answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"content-type: {kind}", f"content-length: {len(data)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + data


def chunked(*pieces: bytes, kind: str = EVENT_STREAM) -> bytes:
    """An answer in pieces, which may go on."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n"
    return head.encode() + b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces)


def event(**fields: Any) -> bytes:
    """A server-sent event."""
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


END = b"0\r\n\r\n"
HI = event(choices=[{"delta": {"content": "Hi"}}], usage=None)
USAGE = event(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 2})
DONE = b"data: [DONE]\n\n"


def credential(name: str, upstream: RawUpstream, **fields: Any) -> dict[str, Any]:
    """A credential of the provider."""
    return {
        "name": name,
        "type": "OpenAICompatible",
        "baseURL": f"http://127.0.0.1:{upstream.port}/v1",
        "secretRef": {"name": "keys", "key": "upstream"},
        "api": ["chat", "completions", "embeddings"],
        **fields,
    }


def config(*upstreams: RawUpstream, **spec: Any) -> str:
    """Model `m` with a backend on each upstream, the first preferred."""
    credentials = [credential(f"c{i}", u, priority=i) for i, u in enumerate(upstreams)]
    backends = [{"credential": c["name"], "upstreamName": "real-m"} for c in credentials]
    models = [{"name": "m", "aliases": ["other"], "backends": backends}]
    retries = {"retries": {"attempts": 2, "backoff": {"initial": "1ms", "max": "50ms"}}}
    spec.setdefault("resilience", retries)
    return manifest(credentials, models, secrets={"upstream": UPSTREAM_KEY}, **spec)


async def answer(upstream: RawUpstream, data: bytes) -> tuple[Conversation, bytes]:
    """Take the next connection, and answer its request."""
    conversation = await upstream.accept()
    request = await conversation.request()
    await conversation.say(data)
    return conversation, request


def body_of(request: bytes) -> Any:
    """The body of a request."""
    return json.loads(request.partition(b"\r\n\r\n")[2])
