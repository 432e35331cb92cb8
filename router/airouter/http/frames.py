"""WebSocket messages and their frames (RFC 6455), for both sides of the router.

`websockets` keeps the rules of the protocol; this module has what a connection does around that:
`upstream/websocket.py` as a client of providers, `api/websocket.py` as the server of sessions.
"""

from __future__ import annotations

import codecs
import logging
from struct import Struct
from typing import TYPE_CHECKING

from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Generator

    from websockets.protocol import Protocol

    from airouter.eventloop.outbox import Outbox

DATA_OPCODES = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)  # the commonest first
SHORT, LONG = 126, 65_536
MEDIUM_HEADER, LONG_HEADER = Struct(">HH").pack, Struct(">HQ").pack
PIECE = 262_144
"""Bytes of a large frame or message that are worked on by one call."""
LARGE_SLICE = 65_536
"""Bytes that are read at a time inside a large frame."""
incremental_utf8 = codecs.getincrementaldecoder("utf-8")
SILENT = logging.getLogger("airouter.http.frames")
SILENT.disabled = True  # connections tell their owners what goes wrong; it may be much


class MessageAssembler:
    """The messages of one connection, put together from their frames."""

    __slots__ = ("_pieces", "is_text")

    def __init__(self) -> None:
        self._pieces = bytearray()
        """What has come of a message in pieces, of which there may be very many."""
        self.is_text = True
        """Whether the message that came last is one of text."""

    @property
    def size(self) -> int:
        """Bytes that have come of a message that is not whole."""
        return len(self._pieces)

    def add(self, frame: Frame) -> bytes | bytearray | None:
        """Return the message that a frame with one of `DATA_OPCODES` ends, or None."""
        self.begin(frame)
        if frame.fin and not self._pieces:
            return bytes(frame.data)
        self._pieces += frame.data
        return self.end() if frame.fin else None

    def begin(self, frame: Frame) -> None:
        """Take note of a frame whose data comes by `add_piece`."""
        if frame.opcode is not Opcode.CONT:
            self.is_text = frame.opcode is Opcode.TEXT

    def add_piece(self, piece: bytes) -> None:
        """Take a piece of a frame's data."""
        self._pieces += piece

    def end(self) -> bytearray:
        """Return the message, which is whole."""
        message, self._pieces = self._pieces, bytearray()
        return message


class FrameReader(StreamReader):
    """The bytes that a connection has received; a large frame is handed on and not copied."""

    _wanted = 0

    @property
    def owed(self) -> int:
        """Bytes that are lacking of a large frame; 0 outside of one."""
        return max(0, self._wanted - len(self.buffer))

    def read_exact(self, n: int) -> Generator[None, None, bytearray]:
        """See `StreamReader.read_exact`."""
        if n <= PIECE:
            return (yield from super().read_exact(n))
        self._wanted = n
        while len(self.buffer) < n and not self.eof:
            yield
        self._wanted = 0
        if len(self.buffer) < n:
            return (yield from super().read_exact(n))
        whole, self.buffer = self.buffer, self.buffer[n:]
        del whole[n:]
        return whole


def read_frames_by(reader: StreamReader, protocol: Protocol) -> None:
    """Have a protocol, before it has received anything, read what comes from a reader."""
    protocol.reader = reader
    protocol.parser = protocol.parse()
    next(protocol.parser)


def is_utf8(message: bytes | bytearray) -> bool:
    """Tell whether a message is the text that its frame says it is; gives way in between."""
    if message.isascii():
        return True
    decoder = incremental_utf8()
    text = memoryview(message)
    try:
        for at in range(0, len(text), PIECE):
            decoder.decode(text[at : at + PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def text_header(size: int) -> bytes:
    """Return the header of an unmasked frame that is a whole text message (RFC 6455, 5.2)."""
    if size < SHORT:
        return b"\x81%c" % size
    if size < LONG:
        return MEDIUM_HEADER(0x817E, size)
    return LONG_HEADER(0x817F, size)


def write_pending(protocol: Protocol, outbox: Outbox, transport: asyncio.Transport) -> None:
    """Write what the protocol has to send, and close the connection where it says so."""
    for data in protocol.data_to_send():
        if data:
            outbox.write(transport, data)
        else:
            outbox.close(transport)
