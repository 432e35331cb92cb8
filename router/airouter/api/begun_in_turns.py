"""Requests to the application begin a few at a time, whatever comes at once.

Each costs some tenths of a millisecond before it waits for anything, and hundreds of connections
may ask in one turn of the event loop. A queue of their own keeps probes from waiting for the turns
of large bodies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from airouter.eventloop.turns import Turns


BEGUN_AT_ONCE = 8
"""Requests of one turn: some milliseconds. Where each pass of a busy loop takes as long, one alone
would keep a pod from answering its probes.
"""


class BegunInTurns:
    """Has each request begin in a turn that it shares with few others."""

    def __init__(self, app: ASGIApp, turns: Turns) -> None:
        self._app = app
        self._turns = turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on when it is its turn."""
        await self._turns.turn()
        await self._app(scope, receive, send)
