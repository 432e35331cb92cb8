"""WebSocket connections on `/v1/responses` (RFC 6455), for sessions of the Responses API.

A uvicorn protocol like `edge/`: it takes over a connection that asks for the upgrade. The rules
of the wire are those of `websockets`; what is sent without compression is framed here, which costs
a fifth of what the library takes for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from struct import Struct
from typing import TYPE_CHECKING, Any, cast

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from airouter.api.errors import openai_body
from airouter.failures import Failure
from airouter.sessions.frames import failure_message
from airouter.sessions.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uvicorn import Config
    from uvicorn.server import ServerState
    from websockets.http11 import Response

    from airouter.config.snapshot import Credential
    from airouter.outbox import Outbox
    from airouter.pipeline import Pipeline
    from airouter.responses.caller import ServeCaller

PATH = "/v1/responses"
LIFE = 3600.0
"""Seconds of a connection."""
PING_EVERY, PONG_WITHIN = 30.0, 60.0
"""Seconds between pings, and for the answer to one."""
MOST_UNREAD = 16_777_216
"""Bytes that wait for a client; one that has more to read does not read at all."""
FINISHING = 900.0
"""Seconds that the responses under way get at the end of a life."""
CLOSING = 10.0
"""Seconds that a client gets to answer a close."""
SHORT, LONG = 126, 65_536
MEDIUM_HEADER, LONG_HEADER = Struct(">HH").pack, Struct(">HQ").pack
QUIET = logging.getLogger("airouter.websocket.wire")
QUIET.disabled = True  # a client's mistakes are its own, and there may be many


class Sessions:
    """Every session of this process."""

    def __init__(
        self,
        pipeline: Pipeline,
        serve: ServeCaller,
        outbox: Outbox,
        *,
        most_bytes: int,
        life: float = LIFE,
    ) -> None:
        """`most_bytes` bounds a message; `life` is in seconds."""
        self.pipeline = pipeline
        self.serve = serve
        self.outbox = outbox
        self.most_bytes = most_bytes
        self.life = life
        self.open: set[WebSocketProtocol] = set()

    def check(self) -> None:
        """After a reload: end what was opened with keys that are no longer good."""
        accounts = self.pipeline.current().accounts.values()
        credentials = {each.credential.name: each.credential for each in accounts}
        for protocol in list(self.open):
            protocol.check(credentials)


class WebSocketProtocol(asyncio.Protocol):
    """One connection. It is the `Wire` of its session."""

    def __init__(
        self,
        config: Config,  # noqa: ARG002  # uvicorn's way to make one
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002
        *,
        sessions: Sessions,
    ) -> None:
        self._connections = cast("set[asyncio.BaseProtocol]", server_state.connections)
        self._sessions = sessions
        self._outbox = sessions.outbox
        self._transport: asyncio.Transport
        self._wire = ServerProtocol(
            extensions=[DEFLATE], max_size=sessions.most_bytes, logger=QUIET
        )
        self._session: Session | None = None
        self._headers: dict[bytes, bytes] = {}
        self._message = bytearray()
        """What has come of a message in pieces, of which there may be very many."""
        self._is_text = True
        self._plain = False
        """Whether messages go out uncompressed."""
        self._unsent: list[bytes] = []
        """Messages of this turn of the loop."""
        self._behind = False
        """Whether the client has more to read than a transport holds gladly."""
        self._ends_at = time.monotonic() + sessions.life
        self._awaits_pong = False
        self._is_over = False
        """Whether it has been told that it lived long enough."""
        self.deadline = time.monotonic() + PING_EVERY
        """When `expire` is to be called; the server sweeps (`lifecycle.py`)."""

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._connections.discard(self)
        self._sessions.open.discard(self)
        if self._session is not None:
            self._session.lose()
            self._session = None

    def data_received(self, data: bytes) -> None:
        self._say()
        self._wire.receive_data(data)
        self._take()

    def eof_received(self) -> None:
        self._wire.receive_eof()
        self._take()

    def pause_writing(self) -> None:
        self._behind = True
        if self._session is not None:
            self._session.pause()

    def resume_writing(self) -> None:
        self._behind = False
        if self._session is not None:
            self._session.resume()

    # What the server asks.

    def shutdown(self) -> None:
        """Drain: close when what is under way is finished."""
        if self._session is None:
            self._transport.close()
        else:
            self._session.end(1012, "the router is restarting")

    def expire(self) -> None:
        """A ping is due, or its answer overdue; or the connection has lived long enough."""
        now = time.monotonic()
        silent = self._wire.state is not OPEN or self._awaits_pong or self._is_over
        if self._session is None or silent:
            self._transport.abort()
            return
        if now >= self._ends_at:
            self._end_of_life()
            return
        self._wire.send_ping(b"")
        self._awaits_pong = True
        self.deadline = now + PONG_WITHIN
        self._flush()

    def check(self, credentials: Mapping[str, Credential]) -> None:
        """End a session whose key is no longer good, and lines that were opened with such."""
        if self._session is not None:
            self._session.sockets.keep_only(credentials)
        try:
            self._sessions.pipeline.current().keyring.authenticate(self._headers)
        except Failure as failure:
            self.send(failure_message(failure))
            if self._session is not None:
                self._session.end(1008, "the key is not valid")

    # What a session says.

    def send(self, message: bytes) -> None:
        """A text message. Those of one turn of the loop leave in one write."""
        if not self._unsent:
            self._outbox.write(self._transport, self._frames)
        self._unsent.append(message)
        if self._behind and self._transport.get_write_buffer_size() > MOST_UNREAD:
            self._transport.abort()

    def end(self, code: int, reason: str) -> None:
        """Close."""
        if self._wire.state is OPEN:
            self._say()
            self._wire.send_close(code, reason)
            self.deadline = time.monotonic() + CLOSING
            self._awaits_pong = True
            self._flush()

    def _say(self) -> None:
        """Let what is unsent go before anything that comes now, be it a close."""
        if self._unsent:
            self._outbox.write(self._transport, self._frames())

    def _frames(self) -> bytes:
        """What is unsent, as it goes over the wire; nothing once that is closing."""
        messages, self._unsent = self._unsent, []
        if self._wire.state is not OPEN:
            return b""
        if self._plain:
            pieces: list[bytes] = []
            for message in messages:
                pieces += (header_of(len(message)), message)
            return b"".join(pieces)
        for message in messages:
            self._wire.send_text(message)
        return b"".join(self._wire.data_to_send())

    # What a client says.

    def _take(self) -> None:
        for event in self._wire.events_received():
            if isinstance(event, Request):
                self._shake_hands(event)
            elif isinstance(event, Frame):
                self._take_frame(event)
        self._flush()
        if self._wire.close_expected() and self._wire.state is not OPEN:
            self._outbox.close(self._transport)

    def _flush(self) -> None:
        for data in self._wire.data_to_send():
            if data:
                self._outbox.write(self._transport, data)
            else:
                self._outbox.close(self._transport)

    def _take_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PONG:
            self._awaits_pong = False
            now = time.monotonic()
            if now < self._ends_at:
                self.deadline = min(now + PING_EVERY, self._ends_at)
        elif frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            if frame.opcode is not Opcode.CONT:
                self._is_text = frame.opcode is Opcode.TEXT
            if frame.fin and not self._message:
                self._take_message(bytes(frame.data))
                return
            self._message += frame.data
            if frame.fin:
                message, self._message = bytes(self._message), bytearray()
                self._take_message(message)

    def _take_message(self, message: bytes) -> None:
        if self._session is None or self._wire.state is not OPEN:
            return
        if not self._is_text:
            self._fail(1003, "messages are text")
            return
        try:
            message.decode()
        except UnicodeDecodeError:
            self._fail(1007, "a text is not UTF-8")
            return
        self._session.receive(message)

    def _fail(self, code: int, reason: str) -> None:
        self._say()
        self._wire.fail(code, reason)

    def _shake_hands(self, request: Request) -> None:
        response = self._wire.accept(request)
        if response.status_code == 101:
            response = self._refusal(request) or response
        self._wire.send_response(response)
        if response.status_code != 101:
            return
        self._plain = not self._wire.extensions
        self._session = Session(self, self._sessions.serve, self._headers)
        self._sessions.open.add(self)

    def _refusal(self, request: Request) -> Response | None:
        """The answer to a client that may not come in."""
        self._headers = {
            name.lower().encode("ascii"): value.encode("latin-1")
            for name, value in request.headers.raw_items()
        }
        try:
            if request.path.partition("?")[0] != PATH:
                what = f"Invalid URL (GET {request.path[:256]})"
                raise Failure(404, what, code="unknown_url")
            self._sessions.pipeline.current().keyring.authenticate(self._headers)
        except Failure as failure:
            response = self._wire.reject(failure.status, openai_body(failure).decode())
            del response.headers["Content-Type"]
            response.headers["Content-Type"] = "application/json"
            if failure.status == 401:
                response.headers["WWW-Authenticate"] = "Bearer"
            return response
        return None

    def _end_of_life(self) -> None:
        failure = Failure(
            400,
            f"A connection lives {self._sessions.life / 60:g} minutes: open a new one.",
            code="websocket_connection_limit_reached",
        )
        self.send(failure_message(failure))
        self._is_over = True
        self.deadline = time.monotonic() + FINISHING
        if self._session is not None:
            self._session.end(1000, "the connection has lived long enough")


DEFLATE = ServerPerMessageDeflateFactory(
    server_max_window_bits=12, client_max_window_bits=12, compress_settings={"memLevel": 5}
)


def header_of(size: int) -> bytes:
    """What goes before a text message: the header of its only frame (RFC 6455, section 5.2)."""
    if size < SHORT:
        return b"\x81%c" % size
    if size < LONG:
        return MEDIUM_HEADER(0x817E, size)
    return LONG_HEADER(0x817F, size)
