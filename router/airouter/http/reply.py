"""An answer over HTTP while it comes in: collected whole, or relayed piece by piece.

`connection.py` feeds a reply from the parser, as `responses/` does from the events of a WebSocket;
the pipeline reads it by the interface `interfaces.Reply`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from airouter.http.decoding import ContentDecoder, content_decoder
from airouter.interfaces import BrokenReply, EndedEarly, Source, Surplus, UpstreamError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.interfaces import AnswerMeter

UNREAD_LIMIT = 262_144
"""Bytes that wait for a reader before the server is paused."""


class ReplySource(Source, Protocol):
    """A connection that feeds a reply."""

    def abort(self) -> None:
        """Cut the connection: nobody wants the rest."""
        ...


class HttpReply:
    """An answer, from its header on. See `interfaces.Reply`."""

    __slots__ = (
        "_decoder",
        "_error",
        "_limit",
        "_meter",
        "_reader",
        "_source",
        "_write",
        "complete",
        "headers",
        "pieces",
        "size",
        "status",
    )

    def __init__(self, source: ReplySource, limit: int) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.complete = False
        """Whether the source is done with this reply: it is then no longer paused or cut."""
        self.size = 0
        self.pieces: list[bytes] = []
        self._source = source
        self._limit = limit
        self._decoder: ContentDecoder | None = None
        self._meter: AnswerMeter | None = None
        self._error: UpstreamError | None = None
        self._reader: asyncio.Future[None] | None = None
        self._write: Callable[[bytes], None] | None = None

    async def read(self, meter: AnswerMeter | None = None) -> bytes:
        self._meter = meter
        if b"content-encoding" in self.headers:
            self._decoder = content_decoder(self.headers, self._limit)
            if self._decoder is not None:
                return await self._read_encoded()
        if not self.complete or self._error is not None:
            self.resume()
            await self._until_end()
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)

    async def relay(self, write: Callable[[bytes], None]) -> None:
        self._decoder = content_decoder(self.headers)
        await self._relay(write)

    async def _read_encoded(self) -> bytes:
        """Read a body that is inflated as it comes, and no further than the limit."""
        plain: list[bytes] = []
        size = 0

        def keep(data: bytes) -> None:
            nonlocal size
            plain.append(data)
            size += len(data)
            if self._meter is not None:
                self._meter.note(self, size)

        await self._relay(keep)
        return b"".join(plain)

    async def _relay(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self.resume()
        try:
            self.flush()
            await self._until_end()
        except Surplus:
            self.close()
            return
        if self._decoder is not None and not self._decoder.finished:
            raise EndedEarly("the upstream's compressed body is cut short")

    def pause(self) -> None:
        if not self.complete:
            self._source.pause()

    def resume(self) -> None:
        if not self.complete:
            self._source.resume()

    def close(self) -> None:
        if not self.complete:
            self._write = None
            self._source.abort()

    def flush(self) -> None:
        """Hand what has come since the last flush to the reader, or hold it until there is one.

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
        """Wake the reader: the last byte has come, or none will."""
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
                self.close()  # cuts nothing, unless the reader was cancelled
        if self._error is not None:
            # The frames that it goes through have this reply, which so must not have it any more.
            error, self._error = self._error, BrokenReply("the answer was given up")
            try:
                raise error
            finally:
                del error

    def _hold(self) -> None:
        if self.size > self._limit:
            raise BrokenReply(f"the answer's body is larger than {self._limit} bytes")
        if self._reader is None:
            if self.size > UNREAD_LIMIT:
                self.pause()
        elif self._meter is not None:
            self._meter.note(self, self.size)
