"""The bytes of answers that a client has not taken: they count like those that it sends.

Nobody has to read what he asked for. What the kernel does not take waits in the transport, so it is
held for the client meanwhile; one that leaves more than it may is cut off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.failures import Failure

if TYPE_CHECKING:
    import asyncio

    from airouter.bounds.held_bytes import Holding


class Untaken:
    """The bytes that wait for the client of a connection whose transport pauses writing."""

    __slots__ = ("_holding", "_transport", "size")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._holding: Holding | None = None
        self.size = 0
        """Bytes that waited when that was last looked at; 0 while writing is not paused."""

    def hold(self, holding: Holding) -> None:
        """Hold from now on what waits; `holding` is one for answers to the client."""
        self._holding = holding
        self.look()

    def look(self) -> bool:
        """Hold what waits now. Returns whether it is less than the last time."""
        if self._holding is None:
            return False
        before, self.size = self.size, self._transport.get_write_buffer_size()
        try:
            self._holding.resize(self.size)
        except Failure:
            self._transport.abort()
        return self.size < before

    def release(self) -> None:
        """Hold nothing: it is all taken, or nobody is there to take it."""
        self.size = 0
        if self._holding is not None:
            self._holding.release()
            self._holding = None
