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

    from airouter.eventloop.turns import Turns
    from airouter.interfaces import AnswerMeter

UNREAD_LIMIT = 262_144
"""Bytes that wait for a reader before the server is paused."""
SLICE = 4_096
"""Bytes of a stream that are handed on at a time: a thousand of the smallest events."""
NOTHING = memoryview(b"")


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
        "_reads",
        "_rest",
        "_shares",
        "_source",
        "_turns",
        "_undecoded",
        "_wanted",
        "_write",
        "complete",
        "headers",
        "pieces",
        "size",
        "status",
    )

    def __init__(self, source: ReplySource, limit: int, turns: Turns | None = None) -> None:
        """`limit` is in bytes of a body that is read. Large pieces are relayed in `turns`."""
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.complete = False
        """Whether the source is done with this reply: it is then no longer paused or cut."""
        self.size = 0
        self.pieces: list[bytes] = []
        self._reads = 0
        """Pieces that are held, one for each read."""
        self._source = source
        self._limit = limit
        self._turns = turns
        self._wanted = True
        """Whether its reader wants more of it: else the source stays paused."""
        self._undecoded = self._rest = NOTHING
        """What has come and is not relayed yet, without and with its `content-encoding`."""
        self._shares = False
        """Whether that has a share of the turns."""
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
        self._wanted = False
        if not self.complete:
            self._source.pause()

    def resume(self) -> None:
        self._wanted = True
        if not (self.complete or self._shares):
            self._source.resume()

    def close(self) -> None:
        self._write = None
        self._undecoded = self._rest = NOTHING
        if not self.complete:
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
            if len(data) <= SLICE and not self._shares and self._decoder is None:
                self._write(data)
            else:
                self._relay_in_slices(data)

    def finish(self, error: UpstreamError | None = None) -> None:
        """Wake the reader: the last byte has come, or none will."""
        self.complete = True
        if self._error is None:
            self._error = error
        if not self._shares and self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _relay_in_slices(self, data: bytes) -> None:
        """Hand on a large piece as turns allow; the source is paused meanwhile."""
        waiting = self._undecoded
        self._undecoded = memoryview(b"".join((waiting, data)) if waiting else data)
        if self._turns is None:
            while self._relay_slice():
                pass
        elif not self._shares:
            self._shares = True
            self._turns.share(self._relay_slice)
        if self._shares and not self.complete:
            self._source.pause()

    def _relay_slice(self) -> bool:
        """Hand on a slice of what has come; return True while there is more of it."""
        try:
            self._take_slice()
        except UpstreamError as error:
            self.close()
            self.finish(error)
        except BaseException:
            self.close()
            self.finish(BrokenReply("the answer could not be passed on"))
            raise
        finally:
            more = bool(self._rest or self._undecoded)
            if not more:
                self._end_turns()
        return more

    def _take_slice(self) -> None:
        write, slice_ = self._write, self._rest
        if write is None:
            return
        if not slice_:
            slice_, self._undecoded = self._undecoded[:SLICE], self._undecoded[SLICE:]
            if self._decoder is not None:
                slice_ = memoryview(self._decoder.decode(bytes(slice_)))
        self._rest = slice_[SLICE:]
        if slice_:
            write(bytes(slice_[:SLICE]))

    def _end_turns(self) -> None:
        """Let the source go on, or the reader where there is no more."""
        self._shares = False
        if self.complete:
            self.finish()
        elif self._wanted:
            self._source.resume()

    async def _until_end(self) -> None:
        if not self.complete or self._shares:
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
        pieces, whole = self.pieces, self._reads
        if len(pieces) > whole + 1:  # chunks of a byte would take forty each
            pieces[whole:] = [b"".join(pieces[whole:])]
        self._reads = len(pieces)
        if self.size > self._limit:
            raise BrokenReply(f"the answer's body is larger than {self._limit} bytes")
        if self._reader is None:
            if self.size > UNREAD_LIMIT:
                self.pause()
        elif self._meter is not None:
            self._meter.note(self, self.size)
