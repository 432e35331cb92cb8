"""WebSocket connections on `/v1/responses` (RFC 6455), for sessions of the Responses API.

A protocol like that of `edge/`, from which it takes over a connection that asks for the upgrade.
`websockets` keeps the rules of the protocol; what is sent without compression is framed by
`http/frames.py`, which costs a fifth of what the library takes for it. What a client sends is read
in slices (`eventloop/turns.py`), be it many frames or a large one. What a session does with its
messages is in `sessions/session.py`.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.utils import get_remote_addr
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from airouter.api.handshake import answer_handshake
from airouter.api.unsent import UnsentMessages
from airouter.eventloop.tasks import start_eagerly
from airouter.eventloop.turns import HEAVY
from airouter.failures import Failure
from airouter.http.backlog import Backlog
from airouter.http.frames import (
    DATA_OPCODES,
    LARGE_SLICE,
    SILENT,
    FrameReader,
    MessageAssembler,
    is_utf8,
    read_frames_by,
    write_pending,
)
from airouter.http.inflating import DEFLATE, DeflatedFrame, SlicedDeflate
from airouter.http.untaken import Untaken
from airouter.sessions.frames import failure_message
from airouter.sessions.messages import read_large_message
from airouter.sessions.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uvicorn import Config
    from uvicorn.server import ServerState

    from airouter.api.session_registry import SessionRegistry
    from airouter.bounds.held_bytes import Holding
    from airouter.config.snapshot import Credential
    from airouter.eventloop.turns import Work
    from airouter.interfaces import Headers

PONG_WITHIN = 60.0
"""Seconds for the answer to a ping."""
MOST_UNREAD = 16_777_216
"""Bytes that wait for a client; one that has more to read does not read at all."""
BEHIND = 1_048_576
"""Bytes that wait for a client from which no more is read meanwhile."""
SLICE = 2_048
"""Bytes that are read at a time: some hundred of the smallest frames."""
FINISHING = 900.0
"""Seconds that the responses under way get at the end of a life."""
CLOSING = 10.0
"""Seconds that a client gets to answer a close."""


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
        self.transport: asyncio.Transport
        self._wire = ServerProtocol(
            extensions=[DEFLATE], max_size=registry.most_bytes, logger=SILENT
        )
        self._reader = FrameReader()
        read_frames_by(self._reader, self._wire)
        self._session: Session | None = None
        self._headers: Headers = []
        self._holding: Holding | None = None
        """What has come of messages that are not whole."""
        self._backlog = Backlog(self, registry.turns)
        self._events: deque[Frame] = deque()
        """Frames that were read and not taken yet."""
        self._messages = MessageAssembler()
        self._working = False
        """Whether a large message is worked on, and what came after it waits."""
        self._large = 0
        """Bytes of that message, once it is whole."""
        self._reading: asyncio.Task[None] | None = None
        self._read_paused = False
        self._unsent: UnsentMessages
        self._untaken: Untaken
        self._ends_at = time.monotonic() + registry.life
        self._awaits_pong = False
        self._is_over = False
        """Whether the client was told that the connection has lived long enough."""
        self.deadline = time.monotonic() + self._registry.ping_every()
        """When `expire` is to be called; `server/lifecycle.py` sweeps."""

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._untaken = Untaken(self.transport)
        self._unsent = UnsentMessages(self._wire, self._outbox, self.transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._connections.discard(self)
        self._registry.open.discard(self)
        if self._session is not None:
            self._session.lose()
            self._session = None
        if self._holding is not None:
            self._holding.release()
            self._holding = None
        self._untaken.release()
        if self._reading is not None:
            self._reading.cancel()
        self._backlog.close()
        self._events.clear()

    def open(self, url: bytes, headers: Headers, frames: bytes) -> None:
        """Answer the handshake that has come, and read the `frames` that came with it."""
        registry = self._registry
        self._headers = headers
        self._holding = answer_handshake(self._wire, url, headers, registry.admission)
        if self._holding is not None:
            hold = self._holding.another
            peer = get_remote_addr(self.transport)
            self._session = Session(self, registry.serve, dict(headers), registry.turns, hold, peer)
            registry.open.add(self)
        self._end_slice()
        if frames and self._session is not None:
            self.data_received(frames)

    def data_received(self, data: bytes) -> None:
        if len(data) <= SLICE and not self._backlog.unread and self.slice_size():
            self.parse(data)
        elif self._hold(len(data)):
            self._pause_reading()
            self._backlog.add(data)

    def eof_received(self) -> None:
        if self._wire.state is OPEN:
            self._unsent.say()
        self._wire.receive_eof()
        self._flush()

    def pause_writing(self) -> None:
        if self._holding is not None:
            self._untaken.hold(self._holding.of_answers())
        if self._session is not None:
            self._session.pause()

    def resume_writing(self) -> None:
        self._untaken.release()
        if self._session is not None:
            self._session.resume()
        self._go_on()

    # What the server asks.

    def shutdown(self) -> None:
        """Drain: close when the responses under way are finished."""
        if self._session is None:
            self.transport.close()
        else:
            self._session.end(1012, "the router is restarting")

    def expire(self) -> None:
        """Send a ping that is due, or end what answers none or has lived long enough."""
        now = time.monotonic()
        silent = self._wire.state is not OPEN or self._awaits_pong or self._is_over
        if self._session is None or silent:
            self.transport.abort()
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
            self._registry.admission.principal_of(self._headers)
        except Failure as failure:
            self.send(failure_message(failure))
            if self._session is not None:
                self._session.end(1008, "the key is not valid")

    # What a session says.

    def send(self, message: bytes) -> None:
        """Send a text message. Those of one turn of the event loop leave in one write."""
        self._unsent.add(message)
        if self._untaken.size:
            self._untaken.look()
            if self._untaken.size > MOST_UNREAD:
                self.transport.abort()

    def refuse(self, failure: Failure, stream_id: str | None = None) -> None:
        """Tell why a message becomes no request, which is counted and logged all the same."""
        self._registry.note_refused(failure)
        self.send(failure_message(failure, stream_id))

    def end(self, code: int, reason: str) -> None:
        """Send a close, after which the client has a while to answer it."""
        if self._wire.state is OPEN:
            self._unsent.say()
            self._wire.send_close(code, reason)
            self.deadline = time.monotonic() + CLOSING
            self._awaits_pong = True
            self._flush()

    # What a client says.

    def parse(self, data: bytes | memoryview) -> None:
        """Read a slice of what was received."""
        self._unsent.say()
        self._wire.receive_data(bytes(data))
        self._events += cast("list[Frame]", self._wire.events_received())
        self._take()

    def slice_size(self) -> int:
        if self._untaken.size:
            self._untaken.look()
        if self._working or self.transport.is_closing() or self._untaken.size > BEHIND:
            return 0
        return max(SLICE, min(LARGE_SLICE, self._reader.owed))

    def rest(self) -> None:
        if self._read_paused and not self._backlog.unread and self.slice_size():
            self._read_paused = False
            self.transport.resume_reading()

    def _pause_reading(self) -> None:
        if not (self._read_paused or self.transport.is_closing()):
            self._read_paused = True
            self.transport.pause_reading()

    def _take(self) -> None:
        """Take frames in their order, until one is to be worked on for long."""
        while self._events and not self._working:
            self._take_frame(self._events.popleft())
        self._end_slice()
        if not self._working:
            self._go_on()

    def _go_on(self) -> None:
        self._backlog.share()
        self.rest()

    def _end_slice(self) -> None:
        self._flush()
        if self._wire.close_expected() and self._wire.state is not OPEN:
            self._outbox.close(self.transport)
        self._hold()

    def _hold(self, received: int = 0) -> bool:
        """Hold what has come of messages; end the connection of a client that has too many."""
        if self._holding is None:
            return False
        come = received + len(self._backlog.unread) + len(self._reader.buffer)
        try:
            self._holding.resize(come + self._messages.size + self._large)
        except Failure as failure:
            self._large = 0
            self.send(failure_message(failure))
            self._fail(1013, "too many bytes are in hand")
            self._flush()
            self._outbox.close(self.transport)
            return False
        return True

    def _flush(self) -> None:
        write_pending(self._wire, self._outbox, self.transport)

    def _take_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PONG:
            self._awaits_pong = False
            now = time.monotonic()
            if now < self._ends_at:
                self.deadline = min(now + self._registry.ping_every(), self._ends_at)
        elif isinstance(frame, DeflatedFrame):
            (deflate,) = cast("list[SlicedDeflate]", self._wire.extensions)
            deflate.begin(frame)
            self._messages.begin(frame)
            self._work(partial(self._inflate, deflate, frame.fin))
        elif frame.opcode in DATA_OPCODES:
            message = self._messages.add(frame)
            if message is not None:
                self._take_message(message)

    def _work(self, work: Work) -> None:
        """Have something done that may take turns; `_take` goes on after it."""
        self._working = True
        self._pause_reading()
        self._registry.turns.share(work)

    def _inflate(self, deflate: SlicedDeflate, fin: bool) -> bool:
        """Inflate a piece of a frame; return True if there are more."""
        try:
            piece = deflate.inflate()
        except zlib.error:
            self._fail(1002, "decompression failed")
            return self._worked()
        if piece is not None:
            self._messages.add_piece(piece)
            if self._messages.size > self._registry.most_bytes:
                self._fail(1009, "a message is too large")
            elif self._hold():
                return True
        elif fin:
            self._working = False
            self._take_message(self._messages.end())
            if self._working:
                return False
        return self._worked()

    def _worked(self) -> bool:
        self._working = False
        self._take()
        return False

    def _take_message(self, message: bytes | bytearray) -> None:
        if len(message) <= HEAVY:
            self._receive(message)
        elif self._is_expected():
            self._working = True
            self._pause_reading()
            self._large = len(message)
            reading = self._receive_large(message)
            self._reading = start_eagerly(reading, asyncio.get_running_loop())

    async def _receive_large(self, message: bytes | bytearray) -> None:
        """Have a message read beside the event loop, and then go on."""
        aside, session = self._registry.aside, self._session
        try:
            if not await aside.run(partial(is_utf8, message)):
                self._fail(1007, "a text is not UTF-8")
            elif session is not None:
                read = await aside.run(partial(read_large_message, message))
                self._large = 0
                self._hold()  # no more: the session does
                session.take(read)
        except Failure as failure:
            self.refuse(failure)
        self._large = 0
        self._worked()

    def _receive(self, message: bytes | bytearray) -> None:
        if self._session is None or not self._is_expected():
            return
        if is_utf8(message):
            self._session.receive(message)
        else:
            self._fail(1007, "a text is not UTF-8")

    def _is_expected(self) -> bool:
        """Return whether a message is taken at all; end the connection for one that is no text."""
        expected = self._wire.state is OPEN
        if expected and not self._messages.is_text:
            self._fail(1003, "messages are text")
            return False
        return expected

    def _fail(self, code: int, reason: str) -> None:
        self._unsent.say()
        self._wire.fail(code, reason)
        self._messages = MessageAssembler()
        self._events.clear()

    def _end_of_life(self) -> None:
        self.send(failure_message(self._registry.end_of_life()))
        self._is_over = True
        self.deadline = time.monotonic() + FINISHING
        if self._session is not None:
            self._session.end(1000, "the connection has lived long enough")
