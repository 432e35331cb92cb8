"""Flow control: a client is read as fast as it takes its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.flow_control import FlowControl

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class Flow(FlowControl):
    """A flow control like uvicorn's, made for clients that ask for more than they take.

    uvicorn reads on whenever the application waits for something of a request, so that a client
    could fill the memory with requests that wait for their turn.
    """

    def __init__(self, transport: asyncio.Transport, is_behind: Callable[[], bool]) -> None:
        """`is_behind` tells whether something that was read is not served yet."""
        super().__init__(transport)
        self._is_behind = is_behind

    def close(self) -> None:
        """Let go of the connection, which is lost."""
        self._is_behind = bool  # that is, never

    def pause_reading(self) -> None:
        if not self._transport.is_closing():  # uvloop refuses it for one that was lost
            super().pause_reading()

    def resume_reading(self) -> None:
        if self.read_paused and not (
            self.write_paused or self._is_behind() or self._transport.is_closing()
        ):
            super().resume_reading()
