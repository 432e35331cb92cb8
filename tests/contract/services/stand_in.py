"""What all strict stand-ins share: a real server on loopback, scripts of behaviour, a journal.

A test says what the service answers next (`turns`), how it fails (`refusals`, `cuts`), and reads
what it was asked (`journal`). A refusal by the service's own rules that no test took note of fails
the test, so that a router's retry cannot hide it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, Literal, Self

from aiohttp import web

Body = dict[str, Any]
Stop = Literal["end", "length", "stop_sequence", "refusal", "content_filter", "fault"]


@dataclass
class Call:
    """A call of a tool."""

    name: str
    arguments: Body
    id: str | None = None
    """The id that it gets; None for one of its own."""
    silent: bool = False
    """Whether there is nothing at all in the place of its arguments."""


@dataclass
class Turn:
    """What a model says next, in nobody's dialect. Absent text is an echo of the user's."""

    text: str | None = None
    thinking: str | None = None
    redacted: bool = False
    """Whether it thought something that it may not show."""
    calls: tuple[Call, ...] = ()
    stop: Stop = "end"
    cited: bool = False
    """Whether the text has a source."""
    image: str | None = None
    """Base64 of a PNG."""
    input_tokens: int = 20
    """All of them, the cached ones included."""
    cached_tokens: int = 0
    written_tokens: int = 0
    output_tokens: int = 9
    """The thoughts included."""
    thinking_tokens: int = 0


PAUSE = 0.1
"""Seconds before a stream fails: a client that has heard nothing of it is given another answer."""


class Cut(Enum):
    """How a stream fails after its first events."""

    RESET = "the connection breaks"
    STALL = "nothing more comes, until the client leaves"
    CLOSE = "the stream just ends"
    ERROR = "the service says that it failed"
    GARBAGE = "what comes is no event"


class Refusal(Exception):
    """An error answer in the service's own words."""

    def __init__(self, status: int, body: Body, headers: dict[str, str] | None = None) -> None:
        super().__init__(json.dumps(body))
        self.status = status
        self.body = body
        self.headers = headers or {}


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: Body


@dataclass
class StandIn(ABC):
    """A service that listens."""

    uncut: ClassVar[int] = 3
    """Events before a cut, the last of which says something."""
    url: str = ""
    turns: deque[Turn] = field(default_factory=deque)
    """What it answers next; then, again and again, `Turn()`."""
    refusals: deque[Refusal] = field(default_factory=deque)
    """How the next requests fail, before anything else is looked at."""
    cuts: deque[Cut] = field(default_factory=deque)
    """How the next streams fail."""
    piece: int | None = None
    """Bytes at a time in which a stream is written; None writes whole events."""
    journal: list[Asked] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    """Refusals by the rules, which nobody took note of yet."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client has left a stream that was not over."""

    @property
    def asked(self) -> Body:
        """The body that came last."""
        return self.journal[-1].body

    def note_refusal(self) -> str:
        """The one refusal by the rules that the test expects."""
        (refusal,) = self.refused
        self.refused.clear()
        return str(refusal)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Self]:
        """Until the test is over. Fails if it refused what the test did not expect it to."""
        application = web.Application(client_max_size=1 << 26)
        application.router.add_route("*", "/{path:.*}", self.handle)
        runner = web.AppRunner(
            application, handler_cancellation=True, access_log=None, shutdown_timeout=0.1
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()
        assert not self.refused, [str(refusal) for refusal in self.refused]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        data = await request.read()
        try:
            body = json.loads(data) if data else {}
        except ValueError:
            body = {}
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.journal.append(Asked(request.method, request.raw_path, headers, body))
        try:
            if self.refusals:
                raise self.refusals.popleft()
            return await self._noted(request, body, data)
        except Refusal as refusal:
            return web.json_response(refusal.body, status=refusal.status, headers=refusal.headers)

    @abstractmethod
    async def answer(self, request: web.Request, body: Body, data: bytes) -> web.StreamResponse:
        """Check and answer. Raises `Refusal`."""

    @abstractmethod
    def error_event(self) -> bytes:
        """How it says inside a stream that it failed."""

    def next_turn(self) -> Turn:
        """What is said now."""
        return self.turns.popleft() if self.turns else Turn()

    async def stream(
        self, request: web.Request, events: Iterable[bytes], kind: str = "text/event-stream"
    ) -> web.StreamResponse:
        """Write events, or as many of them as a cut leaves."""
        response = web.StreamResponse(headers={"content-type": kind})
        await response.prepare(request)
        cut = self.cuts.popleft() if self.cuts else None
        written = list(events)
        if cut is not None:
            written = written[: self.uncut]
        await self._write(response, b"".join(written))
        if cut not in (None, Cut.STALL):
            await asyncio.sleep(PAUSE)
            await self._write(response, self._ending(cut))
        if cut is Cut.RESET and request.transport is not None:
            request.transport.abort()
        if cut is Cut.STALL:
            await self._wait_until_left()
        return response

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        size = self.piece or max(1, len(data))
        for start in range(0, len(data), size):
            await response.write(data[start : start + size])
            await asyncio.sleep(0)  # so that the other side reads it on its own

    def _ending(self, cut: Cut) -> bytes:
        if cut is Cut.ERROR:
            return self.error_event()
        return b"\x00\x00\xff\xffdata: {oops\n\n" * 2 if cut is Cut.GARBAGE else b""

    async def _noted(self, request: web.Request, body: Body, data: bytes) -> web.StreamResponse:
        try:
            return await self.answer(request, body, data)
        except Refusal as refusal:
            self.refused.append(refusal)
            raise

    async def _wait_until_left(self) -> None:
        try:
            async with asyncio.timeout(60):
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.left.set()
            raise


def sse(data: Body, name: str | None = None) -> bytes:
    """A server-sent event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()


def merged(turns: Iterable[Body], content: str) -> list[Body]:
    """Neighbours of one role as one, as the services read them; text becomes a block."""
    found: list[Body] = []
    for turn in turns:
        given = turn.get(content) or []
        blocks = [{"type": "text", "text": given}] if isinstance(given, str) else list(given)
        if found and found[-1]["role"] == turn.get("role", "user"):
            found[-1][content] += blocks
        else:
            found.append({"role": turn.get("role", "user"), content: blocks})
    return found
