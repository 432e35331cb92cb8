"""A WebSocket to a provider (RFC 6455): messages out and in, pings, an end.

A pool opens one (`Pool.dial`) as it opens connections for HTTP; the WebSocket then belongs to the
caller. `websockets` keeps the rules of the protocol, `http/frames.py` puts messages together.
Nothing is compressed: events are read here. What comes is read in slices, as a client's is.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from websockets.client import ClientProtocol
from websockets.exceptions import PayloadTooBig
from websockets.frames import Frame
from websockets.http11 import Response
from websockets.protocol import OPEN
from websockets.uri import WebSocketURI

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
from airouter.interfaces import (
    BrokenReply,
    BufferedReply,
    ConnectError,
    Declined,
    EndedEarly,
    MessageTooLarge,
)

if TYPE_CHECKING:
    from airouter.eventloop.outbox import Outbox
    from airouter.eventloop.turns import Turns
    from airouter.interfaces import SocketListener

PING_EVERY = 30.0
"""Seconds between pings; a provider that says nothing from one to the next is gone."""
TOO_LARGE = 1009
"""The code of a close for a message that is too large (RFC 6455, section 7.4.1)."""
SLICE = 2_048
"""Bytes that are read at a time: some hundred of the smallest frames."""
CLOSING = 5.0
"""Seconds for the last bytes."""
UPGRADE = (
    b"GET %b HTTP/1.1\r\nhost: %b\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: %b\r\n%b\r\n"
)
NO_URI = WebSocketURI(secure=False, host="", port=0, path="", query="")
"""The library would write the handshake with it; here that is written like any other request."""


class WebSocket(asyncio.Protocol):
    """An `interfaces.Socket`. Made by `origin.connect`; `shake_hands` comes first."""

    def __init__(
        self, outbox: Outbox, turns: Turns, most_bytes: int, *, ping_every: float = PING_EVERY
    ) -> None:
        """`most_bytes` bounds a message; `ping_every` is in seconds."""
        self._loop = asyncio.get_running_loop()
        self._outbox = outbox
        self._wire = ClientProtocol(NO_URI, max_size=most_bytes, logger=SILENT)
        self._transport: asyncio.Transport
        self._answer: asyncio.Future[Response] = self._loop.create_future()
        self._listener: SocketListener | None = None
        self._reader = FrameReader()
        read_frames_by(self._reader, self._wire)
        self._messages = MessageAssembler()
        self._ping_every = ping_every
        self._paused = False
        """Whether its listener has asked for that."""
        self._backlog = Backlog(self, turns)
        self._silent = False
        """Whether nothing was heard since the last ping."""
        self._beating: asyncio.TimerHandle | None = None
        self.closed = False

    async def shake_hands(self, path: bytes, host: bytes, head: bytes) -> None:
        """Ask for the upgrade. Raises `ConnectError`."""
        key = self._wire.key.encode()
        self._outbox.write(self._transport, UPGRADE % (path, host, key, head))
        answer = await self._answer
        if self._wire.state is not OPEN:
            raise Declined(declining_reply(answer))
        self._beating = self._loop.call_later(self._ping_every, self._beat)

    # What the owner does: `interfaces.Socket`.

    def listen(self, listener: SocketListener) -> None:
        self._listener = listener

    def send(self, message: bytes) -> None:
        if not self.closed:
            self._wire.send_text(message)
            self._flush()

    def pause(self) -> None:
        if not self._paused and not self.closed:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._paused and not self.closed:
            self._paused = self._silent = False
            self._backlog.share()
            self.rest()

    def close(self) -> None:
        if self.closed:
            return
        self._stop()
        if self._wire.state is OPEN:
            self._wire.send_close(1000)
        self._flush()
        self._outbox.close(self._transport)
        self._loop.call_later(CLOSING, self._transport.abort)

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.closed:
            return
        self._silent = False
        if len(data) <= SLICE and not self._backlog.unread:
            self.parse(data)
            return
        self._transport.pause_reading()
        self._backlog.add(data)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if not self._answer.done():
            self._answer.set_exception(ConnectError("the upstream broke off the handshake"))
        self._lose(EndedEarly("the upstream closed the connection early"))
        self._listener = None  # which has this socket, too

    # What the provider says.

    def parse(self, data: bytes | memoryview) -> None:
        """Read a slice of what was received."""
        self._wire.receive_data(bytes(data))
        self._take()

    def slice_size(self) -> int:
        if self._paused or self.closed:
            return 0
        return max(SLICE, min(LARGE_SLICE, self._reader.owed))

    def rest(self) -> None:
        if not (self._backlog.unread or self._paused or self.closed):
            self._transport.resume_reading()

    def _take(self) -> None:
        for event in self._wire.events_received():
            if isinstance(event, Frame):
                self._take_frame(event)
            elif isinstance(event, Response) and not self._answer.done():
                self._answer.set_result(event)
        if self._wire.handshake_exc is not None and not self._answer.done():
            self._answer.set_exception(ConnectError("the upstream's answer is not HTTP"))
        if self.closed:
            return
        self._flush()
        if self._answer.done() and self._wire.state is not OPEN:
            self._lose(self._error())

    def _take_frame(self, frame: Frame) -> None:
        if frame.opcode in DATA_OPCODES:
            message = self._messages.add(frame)
            if message is not None:
                self._take_message(bytes(message))

    def _take_message(self, message: bytes) -> None:
        if self.closed or self._listener is None:
            return
        if self._messages.is_text and is_utf8(message):
            self._listener.hear(message)
        else:
            self._wire.fail(1007, "messages are text")

    def _error(self) -> BrokenReply:
        """Return why no further message will come."""
        if isinstance(self._wire.parser_exc, PayloadTooBig):
            limit = self._wire.max_message_size
            return BrokenReply(f"a message of the upstream is larger than {limit} bytes")
        if self._wire.close_rcvd is not None:
            code = self._wire.close_rcvd.code
            kind = MessageTooLarge if code == TOO_LARGE else EndedEarly
            return kind(f"the upstream closed its WebSocket with {code}")
        return BrokenReply("the upstream did not keep to the rules of WebSocket")

    # How it ends.

    def _beat(self) -> None:
        # A peer whose bytes are not read cannot be heard to answer.
        if self._silent and not self._paused:
            self._lose(EndedEarly("the upstream answers no pings"))
            return
        self._silent = True
        self._wire.send_ping(b"")
        self._flush()
        self._beating = self._loop.call_later(self._ping_every, self._beat)

    def _lose(self, error: BrokenReply) -> None:
        if self.closed:
            return
        self._stop()
        self._outbox.close(self._transport)
        self._loop.call_later(CLOSING, self._transport.abort)
        if self._listener is not None:
            self._listener.lose(error)

    def _stop(self) -> None:
        self.closed = True
        self._backlog.close()
        if self._beating is not None:
            self._beating.cancel()

    def _flush(self) -> None:
        write_pending(self._wire, self._outbox, self._transport)


def declining_reply(answer: Response) -> BufferedReply:
    """Return the answer that came instead of an upgrade."""
    headers = {
        name.lower().encode("latin-1", "replace"): value.encode("latin-1", "replace")
        for name, value in answer.headers.raw_items()
    }
    return BufferedReply(answer.status_code, headers, bytes(answer.body or b""))
