"""AWS event streams: binary frames, each with a checksum, which botocore decodes.

A frame is its length, the length of its headers and a checksum of both (4 bytes each), headers,
payload, and a checksum of all. Source: `botocore.eventstream`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.framing import EVENT_LIMIT, Frame
from airouter.interfaces import BrokenReply

if TYPE_CHECKING:
    from botocore.eventstream import EventStreamMessage

LENGTH = 4
EXCEPTION = b"exception:"


class EventStream:
    """A splitter of a stream into frames; the name of an exception begins with `EXCEPTION`."""

    __slots__ = ("_buffer", "_decode")

    def __init__(self) -> None:
        from botocore.eventstream import (  # noqa: PLC0415  # only where Bedrock is spoken to
            EventStreamBuffer,
        )

        self._buffer = bytearray()
        self._decode = EventStreamBuffer

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that are whole now. Raises `BrokenReply`."""
        buffer = self._buffer
        buffer += data
        frames = []
        start = 0
        while len(buffer) - start >= LENGTH:
            size = int.from_bytes(buffer[start : start + LENGTH], "big")
            if not 16 <= size <= EVENT_LIMIT:
                raise BrokenReply("a frame of the upstream's stream has no possible length")
            if len(buffer) - start < size:
                break
            frames.append(self._frame(bytes(buffer[start : start + size])))
            start += size
        del buffer[:start]
        return frames

    def rest(self) -> list[Frame]:
        """Return nothing: half a frame is none."""
        return []

    def _frame(self, data: bytes) -> Frame:
        from botocore.eventstream import ParserError  # noqa: PLC0415
        from botocore.exceptions import EventStreamError  # noqa: PLC0415

        decoder = self._decode()
        try:
            decoder.add_data(data)
            return decoded_frame(next(iter(decoder)))
        except (
            ParserError,
            EventStreamError,
            StopIteration,
            ValueError,
            KeyError,
            struct.error,
        ):
            raise BrokenReply("a frame of the upstream's stream is damaged") from None


def decoded_frame(message: EventStreamMessage) -> Frame:
    """Return the name and the payload of a message."""
    headers: dict[str, Any] = message.headers  # type: ignore[assignment]  # its stubs are wrong
    kind = headers.get(":message-type")
    if kind == "event":
        return Frame(str(headers[":event-type"]).encode(), message.payload)
    name = headers.get(":exception-type") or headers.get(":error-code") or "unknown"
    payload = message.payload or msgspec.json.encode({"message": headers.get(":error-message")})
    return Frame(EXCEPTION + str(name).encode(), payload)
