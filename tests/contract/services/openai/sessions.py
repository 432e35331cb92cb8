"""The strict OpenAI with its other door: sessions over a WebSocket on `/v1/responses`.

The rules are those of OpenAI's guide: one response at a time, nothing in a message that belongs to
HTTP, the newest response remembered in the connection and forgotten when going on from it fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from contract.services.openai.responses import (
    KEY,
    ResponsesService,
    check_body,
    events_of,
    input_of,
    previous_not_found,
    refused,
)
from contract.services.stand_in import PAUSE, Asked, Body, Cut, Refusal

NOT_IN_A_SESSION = ("stream", "stream_options", "background")


@dataclass
class SessionsService(ResponsesService):
    """Listens at `base_url`, with `KEY`, over HTTP and over WebSocket.

    `refusals` and `cuts` are for responses, over whatever they are asked.
    """

    unwelcome: deque[Refusal] = field(default_factory=deque)
    """How the next upgrades fail."""
    worn: int = 0
    """How many of the next responses find that their connection has lived long enough."""
    slow: asyncio.Event | None = None
    """What responses wait for after their first events."""
    speechless: bool = False
    """Whether it takes requests and says nothing."""
    largest: int = 1 << 26
    """Bytes of a message; a larger one closes the connection with 1009."""
    names_status: str | None = "status"
    """The field of an error with its status; None for an error without one."""
    key: str = KEY
    dials: list[Asked] = field(default_factory=list)
    said: list[Body] = field(default_factory=list)
    """Every message of a client."""
    sessions: set[Session] = field(default_factory=set)
    """Those that are open."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the last of them has ended."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("upgrade", "").lower() != "websocket":
            return await super().handle(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.dials.append(Asked(request.method, request.raw_path, headers, {}))
        try:
            self._admit(request)
        except Refusal as refusal:
            return web.json_response(refusal.body, status=refusal.status, headers=refusal.headers)
        return await self._converse(request)

    def _admit(self, request: web.Request) -> None:
        if self.unwelcome:
            raise self.unwelcome.popleft()
        if request.path != "/v1/responses":
            raise refused(404, f"Invalid URL (GET {request.path})")
        if request.headers.get("authorization") != f"Bearer {self.key}":
            raise refused(401, "Incorrect API key provided.", code="invalid_api_key")

    async def _converse(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False, max_msg_size=1 << 26)
        await socket.prepare(request)
        session = Session(self, request, socket)
        self.sessions.add(session)
        self.ended.clear()
        try:
            await session.run()
        finally:
            self.sessions.discard(session)
            if not self.sessions:
                self.ended.set()
        return socket

    async def wear_out(self) -> None:
        """Let every open connection have lived long enough."""
        for session in list(self.sessions):
            await session.wear_out()


class Session:
    """One connection."""

    def __init__(
        self, service: SessionsService, request: web.Request, socket: web.WebSocketResponse
    ) -> None:
        self.service = service
        self.socket = socket
        self._request = request
        self._newest: tuple[str, list[Body]] | None = None
        self._answering: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Until the client leaves."""
        try:
            async for message in self.socket:
                await self._take(message.type, message.data)
        finally:
            if self._answering is not None and not self._answering.done():
                self._answering.cancel()
                self.service.left.set()

    async def wear_out(self) -> None:
        """Say that the connection has lived long enough, and close."""
        what = "Responses websocket connection limit reached (60 minutes)."
        await self._tell(refused(400, what, code="websocket_connection_limit_reached"))
        await self.socket.close(code=1000)

    async def _take(self, kind: WSMsgType, data: Any) -> None:
        if self._answering is not None and not self._answering.done():
            self.service.refused.append(refused(400, "One response at a time."))
        if kind is WSMsgType.TEXT and len(data) > self.service.largest:
            await self.socket.close(code=1009)
            return
        body = read(data) if kind is WSMsgType.TEXT else None
        self.service.said.append(body or {})
        self._answering = asyncio.create_task(self._answer(body))

    async def _answer(self, body: Body | None) -> None:
        service = self.service
        if service.speechless:
            await asyncio.Event().wait()
        if service.worn:
            service.worn -= 1
            await self.wear_out()
            return
        try:
            if service.refusals:
                raise service.refusals.popleft()
            response = self._respond(body)
        except Refusal as refusal:
            self._evict(body)
            await self._tell(refusal)
            return
        await self._stream(response)

    def _respond(self, body: Body | None) -> Body:
        """Raises `Refusal`, and notes it."""
        try:
            return self._respond_strictly(body)
        except Refusal as refusal:
            self.service.refused.append(refusal)
            raise

    def _respond_strictly(self, body: Body | None) -> Body:
        if body is None or body.get("type") != "response.create":
            raise refused(400, "A message must be a 'response.create' as JSON.")
        for name in NOT_IN_A_SESSION:
            if name in body:
                raise refused(400, f"Unknown parameter: '{name}'.", param=name)
        asked = {name: body[name] for name in body if name != "type"}
        check_body(asked)
        context = self._context_of(asked)
        response = self.service.respond(asked, context)
        self._newest = (response["id"], [*context, *response["output"]])
        return response

    def _context_of(self, body: Body) -> list[Body]:
        previous = body.get("previous_response_id")
        if self._newest is not None and previous == self._newest[0]:
            return [*self._newest[1], *input_of(body)]
        if previous is not None and body.get("store") is False:
            raise previous_not_found(previous)
        return self.service.context_of(body)

    def _evict(self, body: Body | None) -> None:
        previous = (body or {}).get("previous_response_id")
        if self._newest is not None and self._newest[0] == previous:
            self._newest = None

    async def _stream(self, response: Body) -> None:
        cut = self.service.cuts.popleft() if self.service.cuts else None
        events = [each.partition(b"data: ")[2].strip().decode() for each in events_of(response)]
        for number, event in enumerate(events[: self.service.uncut] if cut else events):
            if number == 3 and self.service.slow is not None:
                await self.service.slow.wait()
            await self.socket.send_str(event)
        if cut is not None:
            await asyncio.sleep(PAUSE)
        match cut:
            case Cut.RESET:
                assert self._request.transport is not None
                self._request.transport.abort()
            case Cut.CLOSE:
                await self.socket.close(code=1011)
            case Cut.ERROR:
                await self._tell(refused(500, "Sorry.", code="server_error"))
            case Cut.GARBAGE:
                await self.socket.send_str("{oops")
            case Cut.STALL:
                await asyncio.Event().wait()

    async def _tell(self, refusal: Refusal) -> None:
        error = refusal.body["error"] | ({"headers": refusal.headers} if refusal.headers else {})
        message = {"type": "error", "error": error}
        if self.service.names_status is not None:
            message[self.service.names_status] = refusal.status
        with contextlib.suppress(ConnectionResetError):
            await self.socket.send_str(json.dumps(message))


def read(data: str) -> Body | None:
    """A message, if it is an object."""
    try:
        body = json.loads(data)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
