"""A provider that says very much at once holds nobody up, whatever it says and whoever asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import uvloop

from support.chat_provider import HI, event
from support.config import MASTER_KEY, manifest
from support.in_loop import served
from support.loop_watch import LoopWatch, loop_watched
from unit.dialects.converse.asking import event as frame

LONGEST = 0.1
"""Seconds of the loop's work in one go: ten times as many as there should be."""
MUCH = 1 << 21
"""Bytes, all of which libuv reads in one turn of the loop if they are there and nobody stops it."""
HEAD = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: %b\r\n"
SSE, BINARY = b"text/event-stream", b"application/vnd.amazon.eventstream"
AWS = {"region": "us-east-1"}


class Door(NamedTuple):
    """How a client asks which provider, and what that says before it says very much."""

    path: str
    type: str
    begin: bytes
    delta: bytes
    kind: bytes = SSE
    fields: dict[str, Any] = {}  # noqa: RUF012  # not changed

    @property
    def request(self) -> bytes:
        asked = {"input": "hi"} if self.path == "responses" else {"max_tokens": 9, **SAID}
        body = json.dumps({"model": "m", "stream": True, **asked}).encode()
        path = {"chat": "chat/completions"}.get(self.path, self.path)
        head = (
            f"POST /v1/{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {MASTER_KEY}\r\n"
            f"connection: close\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


SAID = {"messages": [{"role": "user", "content": "hi"}]}
PART: Any = {"type": "content_block_start", "index": 0}
DELTA: Any = {"type": "content_block_delta", "index": 0}
STARTED = event(
    type="message_start",
    message={
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "c",
        "content": [],
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
) + event(**PART, content_block={"type": "text", "text": ""})
TEXT = event(**DELTA, delta={"type": "text_delta", "text": "a"})
CREATED = event(
    type="response.created",
    sequence_number=0,
    response={"id": "r", "object": "response", "status": "in_progress", "output": []},
)
SAYS = event(
    type="response.output_text.delta", item_id="i", output_index=0, content_index=0, delta="a"
)
GOOGLE = event(candidates=[{"content": {"role": "model", "parts": [{"text": "a"}]}}])
BEGUN = frame("messageStart", role="assistant")
FRAME = frame("contentBlockDelta", contentBlockIndex=0, delta={"text": "a"})
CHAT: Any = {"fields": {"api": ["chat"]}}
BEDROCK: Any = {"kind": BINARY, "fields": {"aws": AWS}}
DOORS = {
    "chat": Door("chat", "OpenAICompatible", HI, HI),
    "chat to messages": Door("messages", "OpenAICompatible", HI, HI, **CHAT),
    "chat to responses": Door("responses", "OpenAICompatible", HI, HI, **CHAT),
    "messages": Door("messages", "Anthropic", STARTED, TEXT),
    "messages to chat": Door("chat", "Anthropic", STARTED, TEXT),
    "responses": Door("responses", "OpenAI", CREATED, SAYS),
    "gemini to chat": Door("chat", "Gemini", GOOGLE, GOOGLE),
    "converse to chat": Door("chat", "Bedrock", BEGUN, FRAME, **BEDROCK),
    "converse to messages": Door("messages", "Bedrock", BEGUN, FRAME, **BEDROCK),
}
LITTLE = {
    "comments": b": \n\n",
    "nothing": b"\n\n",
    "objects": b"data: {}\n\n",
    "lines": b"id: 1\n",
}
CASES = [
    *((name, "deltas") for name, door in DOORS.items() if " to " in name),
    *(("chat", what) for what in LITTLE),
    ("chat to messages", "objects"),
    ("messages", "comments"),
    ("messages to chat", "comments"),
    ("responses", "nothing"),
    ("gemini to chat", "comments"),
]
"""Of what each way takes much longer for than for anything else of so many bytes."""


@contextlib.contextmanager
def provider(answer: bytes) -> Iterator[int]:
    """A provider in a thread, which says all of an answer as fast as it is taken."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=say, args=(listening, answer))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def say(listening: socket.socket, answer: bytes) -> None:
    """Answer each connection."""
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65_536)
                connection.sendall(answer)


def ask(port: int, request: bytes) -> bytes:
    """Return all that a client gets, in another thread than the loop's."""
    got = []
    with socket.create_connection(("127.0.0.1", port), 60) as asking:
        asking.sendall(request)
        while piece := asking.recv(65_536):
            got.append(piece)
    return b"".join(got)


async def watched(door: Door, answer: bytes) -> LoopWatch:
    """Return what was seen of the loop as a provider said an answer."""
    with provider(HEAD % door.kind + answer) as port:
        credential: dict[str, Any] = {
            "name": "c",
            "type": door.type,
            "baseURL": f"http://127.0.0.1:{port}",
        }
        credential |= {"secretRef": {"name": "keys", "key": "master"}, **door.fields}
        models = [{"name": "m", "backends": [{"credential": "c", "upstreamName": "claude-x"}]}]
        async with served(manifest([credential], models)) as router, loop_watched() as watch:
            got = await asyncio.to_thread(ask, router.port, door.request)
    assert b"200 OK" in got or b"HTTP/1.1 502" in got, got[:300]
    return watch


@pytest.mark.parametrize(("name", "what"), CASES)
def test_a_provider_that_says_very_much_at_once_holds_nobody_up(name: str, what: str) -> None:
    door = DOORS[name]
    unit = door.delta if what == "deltas" else LITTLE[what]
    watch = uvloop.run(watched(door, b"\r\n" + door.begin + unit * (MUCH // len(unit))))
    assert watch.longest < LONGEST


@pytest.mark.parametrize(
    "answer", [b"\r\n" + b"2\r\n  \r\n" * (MUCH // 4), b"\r\n0\r\n" + b"a:\r\n" * (MUCH // 2)]
)
def test_an_answer_of_very_many_chunks_or_trailers_holds_nobody_up(answer: bytes) -> None:
    chunked = DOORS["chat"]._replace(kind=b"application/json\r\ntransfer-encoding: chunked")
    watch = uvloop.run(watched(chunked, answer))
    assert watch.longest < LONGEST
