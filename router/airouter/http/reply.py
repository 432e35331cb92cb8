"""A provider's answer while it comes in: collected whole, or relayed piece by piece.

`connection.py` feeds it from the parser; the pipeline reads it by the face of `wire.Reply`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from airouter.http.decoding import Decoder, decoder_for
from airouter.interfaces import BrokenReply, UpstreamError

if TYPE_CHECKING:
    from collections.abc import Callable

UNREAD_LIMIT = 262_144
"""Bytes that wait for a reader before the provider is paused."""


class Wire(Protocol):
    """The connection below a reply."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def abort(self) -> None: ...


class HttpReply:
    """One answer, from its header on. See `wire.Reply`."""

    __slots__ = (
        "_decoder",
        "_error",
        "_limit",
        "_reader",
        "_wire",
        "_write",
        "complete",
        "headers",
        "pieces",
        "size",
        "status",
    )

    def __init__(self, wire: Wire, limit: int) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.complete = False
        """Whether the connection is done with it: it is then no longer paused or cut."""
        self.size = 0
        self.pieces: list[bytes] = []
        self._wire = wire
        self._limit = limit
        self._decoder: Decoder | None = None
        self._error: UpstreamError | None = None
        self._reader: asyncio.Future[None] | None = None
        self._write: Callable[[bytes], None] | None = None

    async def read(self) -> bytes:
        if not self.complete or self._error is not None:
            self.resume()
            await self._until_end()
        body = self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)
        return self._decoded(body) if b"content-encoding" in self.headers else body

    async def relay(self, write: Callable[[bytes], None]) -> None:
        self._decoder = decoder_for(self.headers)
        self._write = write
        self.resume()
        self.flush()
        await self._until_end()
        if self._decoder is not None and not self._decoder.finished:
            raise BrokenReply("the upstream's compressed body is cut short")

    def pause(self) -> None:
        if not self.complete:
            self._wire.pause()

    def resume(self) -> None:
        if not self.complete:
            self._wire.resume()

    def close(self) -> None:
        if not self.complete:
            self._write = None
            self._wire.abort()

    def flush(self) -> None:
        """What the parser found since the last flush goes to the reader, or waits for one.

        Raises `BrokenReply` when it is too large or cannot be decoded.
        """
        pieces = self.pieces
        if self._write is None:
            self._hold()
        elif pieces:
            data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.clear()
            if self._decoder is not None:
                data = self._decoder.decode(data)
            if data:
                self._write(data)

    def finish(self, error: UpstreamError | None = None) -> None:
        """The last byte has come, or none will: wakes the reader."""
        self.complete = True
        self._error = error
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def _until_end(self) -> None:
        if not self.complete:
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self.close()
        if self._error is not None:
            raise self._error

    def _decoded(self, body: bytes) -> bytes:
        decoder = decoder_for(self.headers)
        if decoder is None:
            return body
        plain = decoder.decode(body)
        if len(plain) > self._limit or not decoder.finished:
            raise BrokenReply("the upstream's compressed body is too large or cut short")
        return plain

    def _hold(self) -> None:
        if self.size > self._limit:
            raise BrokenReply(f"the upstream's body is larger than {self._limit} bytes")
        if self._reader is None and self.size > UNREAD_LIMIT:
            self.pause()
