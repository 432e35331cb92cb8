"""The page's updates: one board a second for all who look, and none while nobody does."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from airouter.web.board import Board

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from airouter.web.board import Audience, Render
    from airouter.web.view import PageView

EVERY = 1.0
"""Seconds between two boards."""
MOST_VIEWERS = 100
SIGN_OF_LIFE = 15
"""Boards without a change after which a viewer is told so."""
RELOAD = b"event: reload\ndata:\n\n"


class LivePage:
    """Keeps the board up to date while somebody looks."""

    def __init__(
        self,
        view: PageView,
        render: Render,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` returns Unix seconds."""
        self._view = view
        self._updating = asyncio.Lock()
        self._clock = clock
        self._board = Board(render)
        self._made_at = 0.0
        self._viewers = 0
        self._closed = False
        self._next: asyncio.Future[None] | None = None

    @property
    def is_full(self) -> bool:
        """True where no further viewer can be served."""
        return self._viewers >= MOST_VIEWERS

    async def board(self) -> Board:
        """Return the board of now, at most a second old."""
        async with self._updating:
            now = self._clock()
            if not 0.0 <= now - self._made_at < EVERY:
                await self._view.look()
                tick = max(int(now), self._board.tick + 1)
                await self._board.update(self._view.blocks(), tick)
                self._made_at = now
        return self._board

    def close(self) -> None:
        """End all streams: the process is about to end."""
        self._closed = True
        self._wake()

    async def frames(self, audience: Callable[[], Audience], seen: str) -> AsyncIterator[bytes]:
        """Yield server-sent events: what changed since a mark, until the audience is another."""
        first, quiet = audience(), 0
        since = self._board.tick_of(seen)
        self._viewers += 1
        try:
            yield b"retry: 2000\n\n"
            while not self._closed:
                if audience() is not first:
                    yield RELOAD
                    return
                board = await self.board()
                changes = board.changes(first, since)
                since, quiet = board.tick, 0 if changes else quiet + 1
                if changes:
                    yield b"id: %b\ndata: %b\n\n" % (board.mark.encode(), changes)
                elif quiet % SIGN_OF_LIFE == 0:
                    yield b": nothing new\n\n"
                await self._tick()
        finally:
            self._viewers -= 1

    async def _tick(self) -> None:
        """Wait for the next board, with all others who look."""
        if self._closed:
            return
        if self._next is None:
            loop = asyncio.get_running_loop()
            self._next = loop.create_future()
            loop.call_later(EVERY, self._wake)
        await asyncio.shield(self._next)

    def _wake(self) -> None:
        waiting, self._next = self._next, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
