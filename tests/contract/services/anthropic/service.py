"""A strict Anthropic on loopback: what the real service refuses it refuses, in the same words.

It stands at `/v1/messages` as Anthropic has it and at `…/publishers/anthropic/models/…` as Vertex
has it. Layers 1 and 2 are in `shapes.py` and `rules.py`. Here are the behaviour that a test scripts
(`turns`, `refusals`, `cuts`), and a journal of all that was asked. A refusal that no test took note
of fails the test, so that a router's retry cannot hide it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Container
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from contract.services.anthropic import answers, doors
from contract.services.anthropic.answers import Turn
from contract.services.anthropic.doors import Asked, Call
from contract.services.anthropic.refusals import Refusal, not_json, too_large
from contract.services.anthropic.request import Request
from contract.services.anthropic.rules import check_rules
from contract.services.anthropic.shapes import check_shape
from contract.services.anthropic.signatures import Signatures
from contract.services.anthropic.streams import Cut, Stream

Body = dict[str, Any]

KEY = "sk-ant-service-0123456789"
VERTEX_TOKEN = "ya29.service-0123456789"
MAX_BODY = 32 << 20
"""Bytes that a request may have."""
HEADERS = {
    "request-id": "req_upstream1",
    "anthropic-organization-id": "org-test",
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "49",
    "anthropic-ratelimit-requests-reset": "2026-11-23T12:00:00Z",
}


@dataclass
class AnthropicService:
    """What a test says to the service, and what it sees of it."""

    url: str = ""
    key: str = KEY
    vertex_tokens: Container[str] = field(default_factory=lambda: {VERTEX_TOKEN})
    """Tokens of Google that are valid now."""
    turns: deque[Turn] = field(default_factory=deque)
    """What it answers next; then, again and again, the last text of the user."""
    refusals: deque[Refusal] = field(default_factory=deque)
    """How the next requests fail, before anything else is looked at."""
    cuts: deque[Cut] = field(default_factory=deque)
    """How the next streams fail."""
    chunk_size: int | None = None
    """Bytes at a time in which a stream is written; None writes whole events."""
    input_tokens: int = 42
    """What counting tokens finds."""
    asked: list[Asked] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    """Refusals by the rules, which nobody took note of yet."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client has left before its answer was over."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a request is there."""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """Open at first; while a test has it cleared nothing is answered."""
    signatures: Signatures = field(default_factory=Signatures)
    signals: asyncio.Queue[bool] = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def base_url(self) -> str:
        """As SDKs and credentials want it."""
        return self.url

    @property
    def vertex_url(self) -> str:
        """As the SDK for Vertex wants it."""
        return f"{self.url}/v1"

    def note_refusal(self) -> Refusal:
        """The one refusal by the rules that the test expects."""
        (refusal,) = self.refused
        self.refused.clear()
        return refusal

    def ping(self) -> None:
        """Into the stream that is silent."""
        self.signals.put_nowait(True)

    def go_on(self) -> None:
        """With the stream that is silent."""
        self.signals.put_nowait(False)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        try:
            return await self._answer(request)
        except Refusal as refusal:
            return web.json_response(
                refusal.body, status=refusal.status, headers=HEADERS | refusal.headers
            )
        except (asyncio.CancelledError, ConnectionError):
            self.left.set()
            raise

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        asked, data = await self._note(request)
        await self.gate.wait()
        if self.refusals:
            raise self.refusals.popleft()
        try:
            call = doors.opened(asked, self.key, self.vertex_tokens)
            read = self._check(call, asked, data) if asked.method == "POST" else None
        except Refusal as refusal:
            self.refused.append(refusal)
            raise
        if read is None:
            found = answers.model_info(call.model) if call.model else answers.models()
            return web.json_response(found, headers=HEADERS)
        if read.counting:
            return web.json_response({"input_tokens": self.input_tokens}, headers=HEADERS)
        return await self._generate(request, read)

    async def _note(self, request: web.Request) -> tuple[Asked, bytes]:
        data = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Asked(request.method, request.path, headers, json_or_none(data))
        self.asked.append(asked)
        self.arrived.set()
        return asked, data

    def _check(self, call: Call, asked: Asked, data: bytes) -> Request:
        """A request that keeps all rules. Raises `Refusal`."""
        if len(data) > MAX_BODY:
            raise too_large()
        if asked.body is None:
            raise not_json()
        body, version = call.unwrapped(asked.body)
        check_shape(body, counting=call.counting, beta="anthropic-beta" in asked.headers)
        model = call.model_of(body)
        request = Request(body, model, version, call.counting, self.signatures)
        check_rules(request)
        return request

    async def _generate(self, request: web.Request, read: Request) -> web.StreamResponse:
        turn = self.turns.popleft() if self.turns else answers.echo(read)
        blocks = self.signatures.issue(answers.shown(turn.blocks, read), read.model.id)
        if not read.body.get("stream"):
            return web.json_response(answers.whole(read.model, turn, blocks), headers=HEADERS)
        head = HEADERS | {"content-type": "text/event-stream; charset=utf-8"}
        response = web.StreamResponse(headers=head)
        await response.prepare(request)
        cut = self.cuts.popleft() if self.cuts else None
        stream = Stream(request, response, self.signals, self.chunk_size)
        await stream.write(answers.events(read.model, turn, blocks), cut)
        return response


def json_or_none(data: bytes) -> Any:
    """What a body says, None if it is no JSON."""
    try:
        return json.loads(data)
    except ValueError:
        return None


@contextlib.asynccontextmanager
async def anthropic_service() -> AsyncIterator[AnthropicService]:
    """A listening service. Fails if it refused what the test did not expect it to."""
    service = AnthropicService()
    application = web.Application(client_max_size=2 * MAX_BODY)
    application.router.add_route("*", "/{path:.*}", service.handle)
    runner = web.AppRunner(
        application, handler_cancellation=True, access_log=None, shutdown_timeout=0.1
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        service.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield service
    finally:
        await runner.cleanup()
    assert not service.refused, [refusal.message for refusal in service.refused]
