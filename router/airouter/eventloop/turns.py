"""Turn-taking: how much of what a client sends is worked off in one turn of the event loop.

A packet may have thousands of requests or frames in it, and a message may take a tenth of a second
to read. Such work is queued here in slices: a turn of the loop does a few milliseconds of it, and
then rests for as long as that took, so that whoever asks for little is answered in between.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

Work = Callable[[], bool]
"""Does a slice of some work; returns True as long as there is more of it."""
TURN = 0.005
"""Seconds of one turn."""
HEAVY = 262_144
"""Bytes from which on a body is worth a turn of its own."""


class Turns:
    """The work that is shared out over turns of the loop."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, at_once: int = 1, *, rests: bool = True
    ) -> None:
        """`at_once` is how many coroutines share a turn: what one does in it is not measured.

        One that does not rest has its next turn when the loop comes round again.
        """
        self._loop = loop
        self._rests = rests
        self._at_once = at_once
        self._waiting: deque[Work] = deque()
        self._began = self._until = 0.0
        self._taken = False
        """Whether a turn has begun, and its successor is scheduled."""
        self._working = False
        self._given = 0
        """Coroutines that were given a part of this turn, and may not have begun yet."""

    def share(self, work: Work) -> None:
        """Do some work, now if this turn has time for it, and as long as there is more of it."""
        self._waiting.append(work)
        if not self._taken:
            self._begin()
        elif not self._working:
            self._go_on()

    async def turn(self) -> None:
        """Wait until there is a turn for what the caller does next, up to where it waits again."""
        future: asyncio.Future[None] = self._loop.create_future()
        self.share(partial(self._give, future))
        await future

    def _give(self, future: asyncio.Future[None]) -> bool:
        self._given += 1
        if self._given >= self._at_once:
            self._until = 0.0
        if not future.done():
            future.set_result(None)
        return False

    def _begin(self) -> None:
        self._taken = True
        self._began = monotonic()
        self._until = self._began + TURN
        try:
            self._go_on()
        finally:  # also after work that failed: there would never be another turn
            self._loop.call_soon(self._rest)

    def _go_on(self) -> None:
        """Give each some of the turn, until it is over."""
        waiting = self._waiting
        self._working = True
        try:
            while waiting and monotonic() < self._until:
                work = waiting.popleft()
                if work():
                    waiting.append(work)
        finally:
            self._working = False

    def _rest(self) -> None:
        """End the turn; the next begins when others have had as much time."""
        if self._given:
            self._given = 0
            self._loop.call_soon(self._rest)
        elif self._waiting:
            self._loop.call_later(monotonic() - self._began if self._rests else 0, self._begin)
        else:
            self._taken = False
