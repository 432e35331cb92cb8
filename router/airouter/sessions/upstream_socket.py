"""One WebSocket to a provider that speaks Responses: a response at a time.

It reads like an answer over HTTP: an error before the first event has the status and the headers
of one, and events come as a stream of server-sent events does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from airouter.dialects.chat.errors import status_in
from airouter.http.connection import overdue
from airouter.http.reply import HttpReply
from airouter.interfaces import BrokenReply, EndedEarly, MessageTooLarge, UpstreamError

if TYPE_CHECKING:
    from airouter.config.snapshot import Credential
    from airouter.interfaces import BufferedReply, Socket
    from airouter.responses.pinning import Pin

MOST_UNREAD = 67_108_864
"""Bytes of a response that nobody reads."""
LAST = frozenset({"response.completed", "response.incomplete", "response.failed"})
EVENT_STREAM = {b"content-type": b"text/event-stream"}
ONLY_OF_HTTP = ("stream", "stream_options")
LIVED_LONG_ENOUGH = "websocket_connection_limit_reached"
FORGOTTEN = "previous_response_not_found"


class StaleSocket(EndedEarly):
    """A socket that ended when it was used again, before it said anything."""


class RememberedResponse(msgspec.Struct):
    """The part of a response that a socket remembers."""

    id: str = ""


class SocketEvent(msgspec.Struct):
    """The part of a message that is always read."""

    type: str
    response: RememberedResponse | None = None


class SocketProblem(msgspec.Struct):
    """The error in a message."""

    code: Any = None
    type: Any = None
    headers: dict[str, str] | None = None


class ErrorEvent(msgspec.Struct):
    """A message with an error."""

    status: int | None = None
    status_code: int | None = None
    code: Any = None
    error: SocketProblem | None = None

    @property
    def http_status(self) -> int:
        """The status of an answer over HTTP that says the same."""
        told = self.error or SocketProblem()
        names = {"code": told.code or self.code, "type": told.type}
        return status_in({"status": self.status, "status_code": self.status_code, **names})


_event = msgspec.json.Decoder(SocketEvent)
_error = msgspec.json.Decoder(ErrorEvent)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


class ParentResponse(NamedTuple):
    """The response of a provider that a request goes on from."""

    pin: Pin
    items: bytes
    """What the request adds to it."""


class SessionRequest(NamedTuple):
    """A request on its way."""

    credential: Credential
    body: bytes
    """As it would be over HTTP, with all that it goes on from."""
    parent: ParentResponse | None

    def message(self, *, whole: bool) -> bytes:
        """Return the message for a socket: all of the request, or what is new after `parent`."""
        fields = _fields.decode(self.body)
        for name in ONLY_OF_HTTP:
            fields.pop(name, None)
        if self.parent is not None and not whole:
            id_ = msgspec.json.encode(self.parent.pin.id)
            fields["previous_response_id"] = msgspec.Raw(id_)
            fields["input"] = msgspec.Raw(b"[%b]" % self.parent.items)
        return msgspec.json.encode({"type": "response.create", **fields})


class UpstreamSocket:
    """The `SocketListener` of a socket, and the connection below its replies."""

    def __init__(self, socket: Socket, credential: Credential) -> None:
        self.credential = credential
        """As whom it was opened."""
        self._socket = socket
        socket.listen(self)
        self._loop = asyncio.get_running_loop()
        self._reply: HttpReply | None = None
        """The one under way."""
        self._begun: asyncio.Future[None] = self._loop.create_future()
        self._newest: str | None = None
        """The response that the provider remembers of it."""
        self._problem: Any = None
        """The code of its last error."""
        self._asked = 0
        self._retired = False
        self._deadline = self._ends_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def closed(self) -> bool:
        return self._socket.closed

    @property
    def idle(self) -> bool:
        return self._reply is None

    def remembers(self, id_: str) -> bool:
        """True where a request may go on from a response with its new items alone."""
        return self._newest == id_ and not self.closed

    async def ask(self, asking: SessionRequest) -> HttpReply:
        """Ask, and wait for the first event. Raises `UpstreamError`."""
        parent = asking.parent
        if parent is None or not self.remembers(parent.pin.id):
            return await self._ask(asking.message(whole=True))
        reply = await self._ask(asking.message(whole=False))
        if reply.status != 200 and self._problem == FORGOTTEN:
            return await self._ask(asking.message(whole=True))
        return reply

    def retire(self) -> None:
        """Close when what is under way is finished."""
        self._retired = True
        if self.idle:
            self.close()

    def close(self) -> None:
        self._reply = None
        if self._timer is not None:
            self._timer.cancel()
        self._socket.close()

    # What a reply asks of the wire below it.

    def pause(self) -> None:
        self._deadline = self._ends_at
        self._socket.pause()

    def resume(self) -> None:
        self._deadline = self._after_silence()
        self._watch()
        self._socket.resume()

    def abort(self) -> None:
        """Close, as nobody wants the rest: the protocol has no other way to say so."""
        self.close()

    # What the socket tells.

    def hear(self, message: bytes) -> None:
        reply = self._reply
        try:
            event = _event.decode(message)
            if event.type == "error":
                self._take_error(reply, message)
            elif reply is not None:
                self._take_event(reply, event, message)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._fail(BrokenReply("what the upstream sent is no event"))
        except UpstreamError as error:
            self._fail(error)

    def lose(self, error: BrokenReply) -> None:
        large = isinstance(error, MessageTooLarge)
        if self._asked > 1 and not self._begun.done() and not large:
            error = StaleSocket(str(error))
        self._fail(error)

    def _take_event(self, reply: HttpReply, event: SocketEvent, message: bytes) -> None:
        """Hand an event to the reply. Raises `UpstreamError` where that cannot take it."""
        self._deadline = self._after_silence()
        self._begin(reply, 200, EVENT_STREAM)
        deliver(reply, message)
        if event.type in LAST:
            failed = event.type == "response.failed"
            self._newest = None if failed or event.response is None else event.response.id
            self._finish(reply)

    def _take_error(self, reply: HttpReply | None, message: bytes) -> None:
        """Take an error: an answer before the first event, the end of the socket after it."""
        told = _error.decode(message)
        problem = told.error or SocketProblem(code=told.code)
        self._newest, self._problem = None, problem.code
        if self._problem == LIVED_LONG_ENOUGH:
            self._socket.close()
            self.lose(EndedEarly("the upstream ended a WebSocket that has lived long enough"))
        elif reply is None:
            self.close()
        elif self._begun.done():
            deliver(reply, message)
            self._finish(reply)
            self.close()
        else:
            given = (problem.headers or {}).items()
            headers = {name.lower().encode(): value.encode() for name, value in given}
            reply.pieces.append(message)
            self._begin(reply, told.http_status, headers)
            self._finish(reply)

    # A response.

    async def _ask(self, message: bytes) -> HttpReply:
        now, timeouts = self._loop.time(), self.credential.timeouts
        self._ends_at = now + timeouts.total
        self._deadline = now + min(timeouts.first_byte, timeouts.total)
        self._asked += 1
        self._reply = reply = HttpReply(self, MOST_UNREAD)
        self._begun = self._loop.create_future()
        self._watch()
        self._socket.send(message)
        try:
            await self._begun
        except asyncio.CancelledError:
            self.close()
            raise
        return reply

    def _begin(self, reply: HttpReply, status: int, headers: dict[bytes, bytes]) -> None:
        if not self._begun.done():
            reply.status, reply.headers = status, headers
            self._begun.set_result(None)

    def _finish(self, reply: HttpReply) -> None:
        self._reply = None
        self._socket.resume()
        reply.finish()
        if self._retired:
            self.close()

    def _fail(self, error: UpstreamError) -> None:
        reply, begun = self._reply, self._begun
        self.close()
        if reply is not None:
            reply.finish(error)
            if not begun.done():
                begun.set_exception(error)

    # Its timeouts: one timer, which looks again when the deadline has moved.

    def _watch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._deadline, self._expire)

    def _expire(self) -> None:
        now = self._loop.time()
        if self._reply is None:
            return
        if now < self._deadline:
            self._watch()
            return
        timeouts, answered = self.credential.timeouts, self._begun.done()
        self._fail(overdue(timeouts, whole=now >= self._ends_at, answered=answered))

    def _after_silence(self) -> float:
        return min(self._loop.time() + self.credential.timeouts.idle, self._ends_at)


def deliver(reply: HttpReply, message: bytes) -> None:
    """Hand on an event. Raises `UpstreamError` for one that the reply cannot take."""
    if b"\n" in message:  # between the parts of its JSON: a string has it escaped
        message = message.replace(b"\n", b" ")
    event = b"\ndata: %b\n\n" % message
    reply.size += len(event)
    reply.pieces.append(event)
    reply.flush()


def refused_handshake(answer: BufferedReply) -> HttpReply:
    """Return the answer to a handshake as a reply."""
    reply = HttpReply(NOTHING, MOST_UNREAD)
    reply.status, reply.headers = answer.status, dict(answer.headers)
    reply.pieces.append(answer.body)
    reply.finish()
    return reply


class Nothing:
    """The connection below a reply that is whole."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def abort(self) -> None: ...


NOTHING = Nothing()
