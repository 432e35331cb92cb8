"""A strict OpenAI on loopback: what the real service refuses it refuses, in the same words.

Layers 1 and 2 are in `shapes.py` and `rules.py`. Here are the behaviour that a test
scripts (`turns`, `refusals`, `cuts`), and a journal of all that was asked. A refusal that no test
took note of fails the test, so that a router's retry cannot hide it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from aiohttp import web

from contract.services.openai import answers
from contract.services.openai.answers import Turn
from contract.services.openai.refusals import (
    Refusal,
    missing,
    missing_key,
    model_not_found,
    not_a_chat_model,
    unknown_url,
    wrong_key,
)
from contract.services.openai.rules import check_rules
from contract.services.openai.shapes import check_shape

KEY = "sk-openai-service-0123456789"
CHAT_MODELS = ("gpt-4o-2024-11-20", "gpt-4o-mini")
MODELS = (
    *CHAT_MODELS,
    "gpt-3.5-turbo-instruct",
    "text-embedding-3-small",
    "text-embedding-ada-002",
)
APIS = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "completions",
    "/v1/embeddings": "embeddings",
}
HEADERS = {
    "openai-organization": "org-test",
    "openai-processing-ms": "7",
    "openai-version": "2020-10-01",
    "x-ratelimit-limit-requests": "10000",
    "x-ratelimit-remaining-requests": "9999",
    "x-ratelimit-reset-requests": "6ms",
}


class Cut(Enum):
    """How a stream fails after its second event."""

    RESET = "the connection breaks"
    STALL = "nothing more comes, until the client leaves"


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class OpenAIService:
    """What a test says to the service, and what it sees of it."""

    url: str = ""
    key: str = KEY
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
    def base_url(self) -> str:
        """As SDKs and credentials want it."""
        return f"{self.url}/v1"

    def note_refusal(self) -> Refusal:
        """The one refusal by the rules that the test expects."""
        (refusal,) = self.refused
        self.refused.clear()
        return refusal

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        try:
            return await self._answer(request)
        except Refusal as refusal:
            return web.json_response(
                refusal.body, status=refusal.status, headers=HEADERS | refusal.headers
            )

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        data = await request.read()
        body = json.loads(data) if data else {}
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.journal.append(Asked(request.method, request.path, headers, body))
        if self.refusals:
            raise self.refusals.popleft()
        try:
            self._check_key(request)
            if request.method == "GET":
                return self._models(request)
            api = self._check(request, body)
        except Refusal as refusal:
            self.refused.append(refusal)
            raise
        if api == "embeddings":
            return web.json_response(answers.embeddings(body), headers=HEADERS)
        turn = self.turns.popleft() if self.turns else Turn()
        if body.get("stream"):
            return await self._stream(request, answers.events(api, body, turn))
        return web.json_response(answers.whole(api, body, turn), headers=HEADERS)

    def _check_key(self, request: web.Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            raise missing_key()
        if key != self.key:
            raise wrong_key(key)

    def _check(self, request: web.Request, body: dict[str, Any]) -> str:
        """The API that is asked, and properly."""
        api = APIS.get(request.path) if request.method == "POST" else None
        if api is None:
            raise unknown_url(request.method, request.path)
        if "model" not in body:
            raise missing("model")
        if body["model"] not in MODELS:
            raise model_not_found(body["model"])
        if api == "chat" and body["model"] not in CHAT_MODELS:
            raise not_a_chat_model()
        check_shape(api, body)
        check_rules(api, body)
        return api

    def _models(self, request: web.Request) -> web.Response:
        if request.path == "/v1/models":
            return web.json_response(answers.models(MODELS), headers=HEADERS)
        name = request.path.removeprefix("/v1/models/")
        if name == request.path:
            raise unknown_url("GET", request.path)
        if name not in MODELS:
            raise model_not_found(name)
        return web.json_response(answers.model(name), headers=HEADERS)

    async def _stream(self, request: web.Request, events: list[bytes]) -> web.StreamResponse:
        head = HEADERS | {"content-type": "text/event-stream; charset=utf-8"}
        response = web.StreamResponse(headers=head)
        await response.prepare(request)
        cut = self.cuts.popleft() if self.cuts else None
        data = b"".join(events[:2] if cut else events)
        size = self.piece or len(data)
        for start in range(0, len(data), size):
            await response.write(data[start : start + size])
            await asyncio.sleep(0)  # so that the other side reads it on its own
        if cut is Cut.RESET and request.transport is not None:
            request.transport.abort()
        if cut is Cut.STALL:
            await self._wait_until_left()
        return response

    async def _wait_until_left(self) -> None:
        try:
            async with asyncio.timeout(60):
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.left.set()
            raise


@contextlib.asynccontextmanager
async def openai_service() -> AsyncIterator[OpenAIService]:
    """A listening service. Fails if it refused what the test did not expect it to."""
    service = OpenAIService()
    application = web.Application(client_max_size=1 << 26)
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
