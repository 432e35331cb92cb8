"""Messages on their way to the client of a WebSocket: framed once a turn, and sent in one write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from websockets.protocol import OPEN

from airouter.http.frames import text_header

if TYPE_CHECKING:
    import asyncio

    from websockets.server import ServerProtocol

    from airouter.eventloop.outbox import Outbox

MOST_DEFLATED = 65_536
"""Bytes of the largest message that is sent deflated, for that takes time (RFC 7692, section 6)."""


class UnsentMessages:
    """The messages of this turn of the event loop."""

    __slots__ = ("_messages", "_outbox", "_transport", "_wire")

    def __init__(self, wire: ServerProtocol, outbox: Outbox, transport: asyncio.Transport) -> None:
        self._wire = wire
        self._outbox = outbox
        self._transport = transport
        self._messages: list[bytes] = []

    def add(self, message: bytes) -> None:
        """Send a text message at the end of this turn."""
        if not self._messages:
            self._outbox.write(self._transport, self._frames)
        self._messages.append(message)

    def say(self) -> None:
        """Write what is unsent, ahead of anything that follows, be it a close."""
        if self._messages:
            self._outbox.write(self._transport, self._frames())

    def _frames(self) -> bytes:
        """Return the frames of what is unsent; nothing once the connection is closing."""
        messages, self._messages = self._messages, []
        if self._wire.state is not OPEN:
            return b""
        plain = not self._wire.extensions
        pieces: list[bytes] = []
        for message in messages:
            if plain or len(message) > MOST_DEFLATED:
                pieces += (text_header(len(message)), message)
            else:
                self._wire.send_text(message)
                pieces += self._wire.data_to_send()
        return b"".join(pieces)
