"""WebSocket connections on `/v1/responses` (RFC 6455), for sessions of the Responses API.

A uvicorn protocol as in `edge/`, which takes over a connection that asks for the upgrade.
`websockets` keeps the rules of the protocol; what is sent without compression is framed by
`http/frames.py`, which costs a fifth of what the library takes for it. What a session does with its
messages is in `responses/session.py`.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, cast

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from airouter.api.errors import openai_body
from airouter.failures import Failure
from airouter.http.frames import (
    DATA_OPCODES,
    SILENT,
    MessageAssembler,
    is_utf8,
    text_header,
    write_pending,
)
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
PING_EVERY, PONG_WITHIN = 15.0, 60.0
"""Seconds between pings, unless heartbeats are to be more frequent, and for the answer to one."""
MOST_UNREAD = 16_777_216
"""Bytes that wait for a client; one that has more to read does not read at all."""
FINISHING = 900.0
"""Seconds that the responses under way get at the end of a life."""
CLOSING = 10.0
"""Seconds that a client gets to answer a close."""
DEFLATE = ServerPerMessageDeflateFactory(
    server_max_window_bits=12, client_max_window_bits=12, compress_settings={"memLevel": 5}
)
"""Compression for clients that ask for it, in an eighth of the memory of zlib's defaults."""


class SessionRegistry:
    """The sessions of this process: those that are open, and what all of them share."""

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

    def ping_every(self) -> float:
        """Return the seconds between two pings: at most those between heartbeats."""
        serving = self.pipeline.serving
        heartbeat = 0.0 if serving is None else serving.snapshot.retries.heartbeat
        return min(heartbeat or PING_EVERY, PING_EVERY)

    def recheck_keys(self) -> None:
        """End what was opened with keys that are no longer good; called after a reload."""
        accounts = self.pipeline.current().accounts.values()
        credentials = {each.credential.name: each.credential for each in accounts}
        for protocol in list(self.open):
            protocol.recheck_keys(credentials)


class WebSocketProtocol(asyncio.Protocol):
    """A client's connection; its session writes to it as its `Wire`."""

    def __init__(
        self,
        config: Config,  # noqa: ARG002  # uvicorn's way to make one
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002
        *,
        registry: SessionRegistry,
    ) -> None:
        self._connections = cast("set[asyncio.BaseProtocol]", server_state.connections)
        self._registry = registry
        self._outbox = registry.outbox
        self._transport: asyncio.Transport
        self._wire = ServerProtocol(
            extensions=[DEFLATE], max_size=registry.most_bytes, logger=SILENT
        )
        self._session: Session | None = None
        self._headers: dict[bytes, bytes] = {}
        self._messages = MessageAssembler()
        self._plain = False
        """Whether messages go out uncompressed."""
        self._unsent: list[bytes] = []
        """Messages of this turn of the event loop, which leave in one write."""
        self._behind = False
        """Whether the client has so much to read that the transport paused writing."""
        self._ends_at = time.monotonic() + registry.life
        self._awaits_pong = False
        self._is_over = False
        """Whether the client was told that the connection has lived long enough."""
        self.deadline = time.monotonic() + registry.ping_every()
        """When `expire` is to be called; `lifecycle.py` sweeps."""

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._connections.discard(self)
        self._registry.open.discard(self)
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
        """Drain: close when the responses under way are finished."""
        if self._session is None:
            self._transport.close()
        else:
            self._session.end(1012, "the router is restarting")

    def expire(self) -> None:
        """Send a ping that is due, or end what answers none or has lived long enough."""
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

    def recheck_keys(self, credentials: Mapping[str, Credential]) -> None:
        """End a session whose key is no longer good, and its sockets to providers opened so."""
        if self._session is not None:
            self._session.sockets.keep_only(credentials)
        try:
            self._registry.pipeline.current().keyring.authenticate(self._headers)
        except Failure as failure:
            self.send(failure_message(failure))
            if self._session is not None:
                self._session.end(1008, "the key is not valid")

    # What a session says.

    def send(self, message: bytes) -> None:
        """Send a text message. Those of one turn of the event loop leave in one write."""
        if not self._unsent:
            self._outbox.write(self._transport, self._frames)
        self._unsent.append(message)
        if self._behind and self._transport.get_write_buffer_size() > MOST_UNREAD:
            self._transport.abort()

    def end(self, code: int, reason: str) -> None:
        """Send a close, after which the client has a while to answer it."""
        if self._wire.state is OPEN:
            self._say()
            self._wire.send_close(code, reason)
            self.deadline = time.monotonic() + CLOSING
            self._awaits_pong = True
            self._flush()

    def _say(self) -> None:
        """Write what is unsent, ahead of anything that follows, be it a close."""
        if self._unsent:
            self._outbox.write(self._transport, self._frames())

    def _frames(self) -> bytes:
        """Return the frames of what is unsent; nothing once the connection is closing."""
        messages, self._unsent = self._unsent, []
        if self._wire.state is not OPEN:
            return b""
        if self._plain:
            pieces: list[bytes] = []
            for message in messages:
                pieces += (text_header(len(message)), message)
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
        write_pending(self._wire, self._outbox, self._transport)

    def _take_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PONG:
            self._awaits_pong = False
            now = time.monotonic()
            if now < self._ends_at:
                self.deadline = min(now + self._registry.ping_every(), self._ends_at)
        elif frame.opcode in DATA_OPCODES:
            message = self._messages.add(frame)
            if message is not None:
                self._take_message(message)

    def _take_message(self, message: bytes) -> None:
        if self._session is None or self._wire.state is not OPEN:
            return
        if not self._messages.is_text:
            self._fail(1003, "messages are text")
        elif not is_utf8(message):
            self._fail(1007, "a text is not UTF-8")
        else:
            self._session.receive(message)

    def _fail(self, code: int, reason: str) -> None:
        self._say()
        self._wire.fail(code, reason)

    def _shake_hands(self, request: Request) -> None:
        response = self._wire.accept(request)
        if response.status_code == 101:
            response = self._refuse(request) or response
        self._wire.send_response(response)
        if response.status_code != 101:
            return
        self._plain = not self._wire.extensions
        self._session = Session(self, self._registry.serve, self._headers)
        self._registry.open.add(self)

    def _refuse(self, request: Request) -> Response | None:
        """Return the answer to a client that may not come in, or None."""
        self._headers = {
            name.lower().encode("ascii"): value.encode("latin-1")
            for name, value in request.headers.raw_items()
        }
        try:
            if request.path.partition("?")[0] != PATH:
                what = f"Invalid URL (GET {request.path[:256]})"
                raise Failure(404, what, code="unknown_url")
            self._registry.pipeline.current().keyring.authenticate(self._headers)
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
            f"A connection lives {self._registry.life / 60:g} minutes: open a new one.",
            code="websocket_connection_limit_reached",
        )
        self.send(failure_message(failure))
        self._is_over = True
        self.deadline = time.monotonic() + FINISHING
        if self._session is not None:
            self._session.end(1000, "the connection has lived long enough")
