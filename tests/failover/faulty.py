"""A provider of OpenAI's chat completions that fails as it is told, and then answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

Fault = Callable[[asyncio.StreamWriter, asyncio.Event], Awaitable[None]]
"""Answers one request badly. The event is set once the client has heard something of a stream."""


def http(status: int, body: object, *headers: str) -> bytes:
    """A whole answer."""
    data = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", "content-type: application/json", *headers]
    return "\r\n".join([*lines, f"content-length: {len(data)}", "", ""]).encode() + data


def refusing(status: int, code: str | None = None, *headers: str) -> Fault:
    """An error as OpenAI writes it."""
    body = {"error": {"message": "no", "type": "x", "code": code, "param": None}}

    async def fail(writer: asyncio.StreamWriter, _: asyncio.Event) -> None:
        writer.write(http(status, body, *headers))

    return fail


async def reset(writer: asyncio.StreamWriter, _: asyncio.Event) -> None:
    """Cut the connection before the answer."""
    writer.transport.abort()


async def cut(writer: asyncio.StreamWriter, _: asyncio.Event) -> None:
    """Cut a whole answer in its middle."""
    writer.write(http(200, completion("cut"))[:-20])
    await writer.drain()
    writer.transport.abort()


def completion(text: str) -> dict[str, object]:
    """A whole answer that says who gave it."""
    message = {"role": "assistant", "content": text}
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": text,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def chunk(text: str, delta: dict[str, object], reason: str | None = None) -> bytes:
    """An event of a stream that is given by `text`."""
    fields = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": text}
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return b"data: %b\n\n" % json.dumps({**fields, "choices": [choice]}).encode()


def stream(text: str) -> bytes:
    """The same as a stream, which ends with the connection."""
    said = chunk(text, {"role": "assistant", "content": text})
    return STREAM_HEAD + said + chunk(text, {}, "stop") + DONE


OPENING = chunk("first", {"role": "assistant", "content": ""})
SAID = chunk("first", {"content": "half of "})
STOP = chunk("first", {}, "stop")


def streaming(*events: bytes, then: tuple[bytes, ...] = ()) -> Fault:
    """A stream that ends after these events, and others once the client has heard something."""

    async def end(writer: asyncio.StreamWriter, heard: asyncio.Event) -> None:
        await say(writer, heard, *events, then=then)
        writer.close()

    return end


def cutting(*events: bytes) -> Fault:
    """A stream whose connection is reset after these events."""

    async def cut(writer: asyncio.StreamWriter, heard: asyncio.Event) -> None:
        await say(writer, heard, *events)
        if SAID in events:
            await heard.wait()
        writer.transport.abort()

    return cut


def stalling(*events: bytes) -> Fault:
    """A stream that is silent after these events; without any it has not even a head."""

    async def stall(writer: asyncio.StreamWriter, heard: asyncio.Event) -> None:
        if events:
            await say(writer, heard, *events)
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    return stall


async def say(
    writer: asyncio.StreamWriter,
    heard: asyncio.Event,
    *events: bytes,
    then: tuple[bytes, ...] = (),
) -> None:
    """Begin a stream, and go on with `then` once the client has heard something."""
    writer.write(STREAM_HEAD + b"".join(events))
    await writer.drain()
    if then:
        await heard.wait()
        writer.write(b"".join(then))
        await writer.drain()


class FaultyProvider:
    """Listens on 127.0.0.1."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = 0
        self.asked = 0
        self.said: dict[str, Any] = {}
        """What it was asked last."""
        self.heard = asyncio.Event()
        self.hang_up: Callable[[], None]
        """Has nobody reach it any more."""
        self._serving: set[object] = set()
        self.faults: deque[Fault] = deque()
        self.always: Fault | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self._serving.add(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                )
                body = json.loads(await reader.readexactly(length))
                self.asked += 1
                self.said = body
                fault = self.faults.popleft() if self.faults else self.always
                if fault is not None:
                    await fault(writer, self.heard)
                elif body.get("stream"):
                    writer.write(stream(self.name))
                    break
                else:
                    writer.write(http(200, completion(self.name)))
                await writer.drain()
        writer.close()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[FaultyProvider]:
        async with await asyncio.start_server(self.serve, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            self.hang_up = server.close
            yield self
