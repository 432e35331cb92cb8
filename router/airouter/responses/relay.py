"""Events that a provider replays, on their way to a client that awaits each piece."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from airouter.dialects.responses.usage import UsageReader
from airouter.failures import upstream_failed
from airouter.interfaces import UpstreamError

if TYPE_CHECKING:
    from airouter.dialects.responses.usage import Rename
    from airouter.interfaces import Reply

MOST_WAITING = 65_536
"""Bytes that wait for the client before the provider's stream is paused."""


class Relay:
    """An asynchronous iterator over the pieces of a provider's stream.

    It reads ahead from the start and holds the reply until it is closed, iterated or not.
    """

    def __init__(self, reply: Reply, rename: Rename) -> None:
        self._reply = reply
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._size = 0
        self._reading = asyncio.create_task(self._read(UsageReader(self._put, rename)))

    def __aiter__(self) -> Relay:
        return self

    async def __anext__(self) -> bytes:
        piece = await self._pieces.get()
        if piece is None:
            raise StopAsyncIteration
        self._size -= len(piece)
        if self._size <= MOST_WAITING:
            self._reply.resume()
        return piece

    async def aclose(self) -> None:
        """Give the stream up. Safe to call twice."""
        self._reading.cancel()
        self._reply.close()

    async def _read(self, reader: UsageReader) -> None:
        try:
            await self._reply.relay(reader.feed)
            reader.finish()
        except UpstreamError as error:
            reader.break_off(upstream_failed(error.kind, error.told))
        finally:
            self._pieces.put_nowait(None)

    def _put(self, data: bytes) -> None:
        self._pieces.put_nowait(data)
        self._size += len(data)
        if self._size > MOST_WAITING:
            self._reply.pause()
