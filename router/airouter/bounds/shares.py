"""Places that clients share, so that none of them takes all.

A client takes another place only while it has fewer than are free: one alone gets half of them, a
second one half of the rest, and there is always room for somebody who has none.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Shares:
    """A number of places, each taken by an owner."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._taken: Counter[str] = Counter()
        self._waiting: deque[tuple[str, asyncio.Future[None]]] = deque()

    def take(self, owner: str) -> bool:
        """Take a place, and return True; False where the owner has as many as are free."""
        if self._taken[owner] >= self._free:
            return False
        self._free -= 1
        self._taken[owner] += 1
        return True

    def give_back(self, owner: str) -> None:
        """Give back a place that was taken."""
        self._free += 1
        self._taken[owner] -= 1
        if not self._taken[owner]:
            del self._taken[owner]
        self._wake()

    @contextlib.asynccontextmanager
    async def place(self, owner: str) -> AsyncIterator[None]:
        """Wait for a place, and hold it; of those who may have one, the first to come is first."""
        if not self.take(owner):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((owner, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():  # it was its turn at the same moment
                    self.give_back(owner)
                raise
        try:
            yield
        finally:
            self.give_back(owner)

    def _wake(self) -> None:
        """Give places to those who wait and may have one now."""
        still: deque[tuple[str, asyncio.Future[None]]] = deque()
        for owner, turn in self._waiting:
            if turn.done():
                continue
            if self._free and self.take(owner):
                turn.set_result(None)
            else:
                still.append((owner, turn))
        self._waiting = still
