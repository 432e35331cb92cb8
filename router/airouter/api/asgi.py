"""An exchange over ASGI: for requests that `edge/` declines, and for servers that are not ours.

The pipeline writes without waiting, ASGI sends by awaiting, so a short queue stands between; what
feeds it is paused while the queue is long.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from airouter import request_ids
from airouter.api.paths import DEPLOYMENT, with_model
from airouter.bounds.held_bytes import OF_A_BODY, SMALL
from airouter.eventloop.tasks import start_eagerly
from airouter.eventloop.turns import HEAVY
from airouter.failures import Failure, body_too_large
from airouter.http.unpacking import codings_in
from airouter.interfaces import Exchange, Headers

if TYPE_CHECKING:
    from random import Random

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from airouter.admission import Admission
    from airouter.bounds.held_bytes import Holding
    from airouter.eventloop.turns import Turns
    from airouter.interfaces import Serve

QUEUE_BYTES = 65_536
REQUEST_ID = "airouter.request_id"
"""The key of a request's id in its scope."""


DOOR = "airouter.door"
"""The key of a request's `Door` in its scope."""


class Door:
    """Notes what becomes of a request at the application; `recorded.py` reads them."""

    def __init__(self) -> None:
        self.served = False
        """Whether the pipeline served it, and has recorded it."""
        self.principal = ""
        self.error: str | None = None


class AsgiExchange(Exchange):
    """Collects what the pipeline answers as ASGI messages."""

    __slots__ = ("_peer", "_queued", "_ready", "_waiting", "aborted")

    beats = True

    def __init__(
        self, headers: dict[bytes, bytes], body: bytes, peer: tuple[str, int] | None = None
    ) -> None:
        self._peer = peer
        self.headers = headers
        self.body = body
        self.started = False
        self.source = None
        self.aborted = False
        self._waiting: deque[Message] = deque()
        self._queued = 0
        self._ready = asyncio.Event()

    @property
    def peer(self) -> tuple[str, int] | None:
        return self._peer

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        self._start(status, [*headers, (b"content-length", b"%d" % len(body))])
        self._put({"type": "http.response.body", "body": body, "more_body": False})

    def start(self, status: int, headers: Headers) -> None:
        self._start(status, headers)

    def write(self, data: bytes) -> None:
        if data:
            self._put({"type": "http.response.body", "body": data, "more_body": True})
            if self._queued > QUEUE_BYTES and self.source is not None:
                self.source.pause()

    def end(self) -> None:
        self._put({"type": "http.response.body", "body": b"", "more_body": False})

    def abort(self) -> None:
        self.aborted = True
        self._ready.set()  # or `next` would wait for a message that never comes

    async def next(self) -> Message | None:
        """Return the next message to send; None when the answer was aborted."""
        while not self._waiting and not self.aborted:
            self._ready.clear()
            await self._ready.wait()
        if self.aborted:
            return None
        message = self._waiting.popleft()
        self._queued -= len(message.get("body", b""))
        if not self._waiting and self.source is not None:
            self.source.resume()
        return message

    def _start(self, status: int, headers: Headers) -> None:
        self.started = True
        self._put({"type": "http.response.start", "status": status, "headers": headers})

    def _put(self, message: Message) -> None:
        self._waiting.append(message)
        self._queued += len(message.get("body", b""))
        self._ready.set()


class PipelineResponse(Response):
    """A response that the pipeline writes."""

    def __init__(self, exchange: AsgiExchange, serve: Serve) -> None:
        super().__init__()
        self._exchange = exchange
        self._serve = serve

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the exchange; a client that leaves cancels it."""
        if DOOR in scope:
            scope[DOOR].served = True
        serving = start_eagerly(self._serve(self._exchange), asyncio.get_running_loop())
        serving.add_done_callback(lambda task: self._exchange.abort() if task.cancelled() else None)
        tasks = {serving}
        if not serving.done():  # else nothing is received, for that would ask for a body
            watching = asyncio.create_task(until_disconnect(receive))
            watching.add_done_callback(lambda _: serving.cancel())
            tasks.add(watching)
        try:
            while (message := await self._exchange.next()) is not None:
                await send(message)
                if message["type"] == "http.response.body" and not message["more_body"]:
                    return
        finally:
            tasks.discard(serving)
            for watching in tasks:
                watching.cancel()
            await asyncio.wait({serving, *tasks})


class AdmittedBodies:
    """Lets nothing of a body in before its head is admitted, and holds it until the answer."""

    def __init__(
        self, app: ASGIApp, admission: Admission, turns: Turns, keyless: frozenset[str]
    ) -> None:
        """Bodies of requests to a path of `keyless` are bounded by whoever reads them."""
        self._app = app
        self._admission = admission
        self._turns = turns
        self._keyless = keyless

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass every message on; receiving raises `Failure` 400, 401, 413, 415, 503."""
        if scope.get("path") in self._keyless:
            await self._app(scope, receive, send)
            return
        body = AdmittedBody(scope.get("headers", []), receive, self._admission, self._turns)
        try:
            await self._app(scope, body.receive, send)
        finally:
            if body.holding is not None:
                body.holding.release()


class AdmittedBody:
    """The body of one request. One that is encoded is gathered, and goes on as one message."""

    def __init__(
        self, headers: Headers, receive: Receive, admission: Admission, turns: Turns
    ) -> None:
        self.holding: Holding | None = None
        """None until something of the body was asked for."""
        self._headers = headers
        self._receive = receive
        self._admission = admission
        self._turns = turns
        self._codings: list[str] = []
        self._came = self._admitted = 0

    async def receive(self) -> Message:
        """Return the next message. Raises `Failure` 400, 401, 413, 415, 503."""
        if self.holding is None:
            declared = declared_size(self._headers)
            self.holding = self._admission.admit(self._headers, declared)
            self._admitted = max(SMALL, declared)
            self._codings = codings_in(self._headers)
        message = await (
            self._unpacked(self.holding) if self._codings else self._next(self.holding)
        )
        if self._came > HEAVY and not message.get("more_body", False):
            await self._turns.turn()
        return message

    async def _next(self, holding: Holding) -> Message:
        """Return a message as it came, held."""
        message = await self._receive()
        self._came += len(message.get("body", b""))
        if self._came > self._admitted:  # chunked
            holding.resize(self._came, OF_A_BODY)
        return message

    async def _unpacked(self, holding: Holding) -> Message:
        """Return the whole body without its codings, or the message that its client is gone."""
        packed, more = bytearray(), True
        while more:
            message = await self._next(holding)
            if message["type"] != "http.request":
                return message
            packed += message.get("body", b"")
            if len(packed) > self._admission.body_limit:
                raise body_too_large(self._admission.body_limit)
            more = message.get("more_body", False)
        codings, self._codings = self._codings, []
        body = await self._admission.unpack(bytes(packed), codings, holding)
        self._came = len(body)
        return {"type": "http.request", "body": body, "more_body": False}


class RequestIds:
    """Gives every answer an `x-request-id` that does not have one yet."""

    def __init__(self, app: ASGIApp, random: Random) -> None:
        self._app = app
        self._random = random

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass every message on, with the header."""
        given = dict(scope.get("headers", ())).get(request_ids.HEADER)
        id_ = scope[REQUEST_ID] = request_ids.request_id(given, self._random)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.get("headers", [])
                if all(name != request_ids.HEADER for name, _ in headers):
                    message["headers"] = [*headers, (request_ids.HEADER, id_.encode("ascii"))]
            await send(message)

        await self._app(scope, receive, send_with_id)


def declared_size(headers: Headers) -> int:
    """Return the bytes of a body as its header says; 0 for one that comes in chunks."""
    return int(dict(headers).get(b"content-length", b"0"))


async def until_disconnect(receive: Receive) -> None:
    """Return when the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def read_exchange(request: Request, limit: int) -> AsgiExchange:
    """Receive a whole request. Raises `Failure` 400, 413, and what `AdmittedBodies` raises."""
    headers = dict(request.headers.raw)
    if declared_size(request.headers.raw) > limit:
        raise body_too_large(limit)
    # Counted while it comes: a chunked request has no content-length.
    size, pieces = 0, []
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > limit:
                raise body_too_large(limit)
            if piece:
                pieces.append(piece)
    except ClientDisconnect:
        raise Failure(400, "The request ended early.", code="incomplete_request") from None
    deployment = request.scope.get(DEPLOYMENT)
    whole = b"".join(pieces)  # most often it is one, and not copied
    named = whole if deployment is None else with_model(whole, deployment)
    return AsgiExchange(headers, named, request.client)
