"""How the strict Anthropic writes a stream, and how a stream fails when a test wants it to."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from aiohttp import web

from contract.services.anthropic.answers import PING
from contract.services.anthropic.refusals import Refusal, overloaded

T = TypeVar("T")

GARBAGE = b'event: content_block_delta\ndata: {"type": "content_\xff\xfe\n\n'
LONGEST_WAIT = 10.0
"""Seconds that a client may stay in a stream that has nothing more for it."""


class Fault(Enum):
    """How a stream fails."""

    RESET = "the connection is reset"
    STALL = "nothing more comes, until the client leaves"
    CLOSE = "the stream ends, whole as HTTP sees it, without `message_stop`"
    ERROR = "an event says what went wrong, and the stream ends"
    GARBAGE = "bytes that are no event, and then the rest"
    SILENCE = "only pings, whenever the test says so, and then the rest"


@dataclass(frozen=True)
class Cut:
    """A fault, and how many events (pings are some too) come before it."""

    fault: Fault
    after: int = 2
    error: Refusal = field(default_factory=overloaded)
    """What `Fault.ERROR` says."""


@dataclass
class Stream:
    """One stream to one client."""

    request: web.Request
    response: web.StreamResponse
    signals: asyncio.Queue[bool]
    """While silent: True for a ping, False for the rest."""
    chunk_size: int | None = None
    """Bytes at a time; None writes whole events."""

    async def write(self, events: list[bytes], cut: Cut | None) -> None:
        """All events, or as many as come before the stream fails."""
        if cut is None:
            await self._send(events)
            return
        await self._send(events[: cut.after])
        await self._fail(cut, events[cut.after :])

    async def _fail(self, cut: Cut, rest: list[bytes]) -> None:
        match cut.fault:
            case Fault.RESET:
                self._reset()
            case Fault.STALL:
                await within_limit(asyncio.Event().wait())
            case Fault.CLOSE:
                pass
            case Fault.ERROR:
                data = json.dumps(cut.error.body).encode()
                await self._send([b"event: error\ndata: " + data + b"\n\n"])
            case Fault.GARBAGE:
                await self._send([GARBAGE, *rest])
            case Fault.SILENCE:
                while await within_limit(self.signals.get()):
                    await self._send([PING])
                await self._send(rest)

    async def _send(self, events: list[bytes]) -> None:
        """Each piece on its own, so that the other side may read it on its own."""
        data = b"".join(events)
        pieces = events
        if self.chunk_size is not None:
            size = self.chunk_size
            pieces = [data[start : start + size] for start in range(0, len(data), size)]
        for piece in pieces:
            await self.response.write(piece)
            await asyncio.sleep(0)

    def _reset(self) -> None:
        """With RST instead of FIN."""
        transport = self.request.transport
        if transport is not None:
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()


async def within_limit(awaited: Awaitable[T]) -> T:
    """What is waited for, but not for ever."""
    async with asyncio.timeout(LONGEST_WAIT):
        return await awaited
