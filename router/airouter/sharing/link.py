"""Keeps a replica's book of bans and one board in agreement.

Two tasks: one reads what others tell, one tells what happens here. A board that has lost its memory
shows another epoch, and is told everything that this replica knows.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from airouter.eventloop.pauses import pause_after
from airouter.sharing.board import BoardError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airouter.bans.book import BanBook
    from airouter.bans.notice import BanNews, BanNotice
    from airouter.sharing.board import RemoteBoard

logger = logging.getLogger("airouter.bans")

FIRST_DELAY = 0.2
LONGEST_DELAY = 5.0


class BanLink:
    """A connection to one board, as long as that is the one to speak with."""

    def __init__(
        self, name: str, book: BanBook, board: RemoteBoard, hear: Callable[[list[BanNotice]], None]
    ) -> None:
        """`hear` gets what others tell; `name` is for logs."""
        self._name = name
        self._book = book
        self._board = board
        self._hear = hear
        self._due = asyncio.Event()
        """Set when there is something to tell."""
        self._epoch = ""
        self._heard = 0
        """The revision of the board up to which it was read."""
        self._told = 0
        """The revision of the book up to which the board was told."""
        self._known_to_all = 0
        """The revision of the book up to which the board is told what others said, too."""
        self._is_lost = False
        self._tasks = [
            asyncio.create_task(self._repeat(each)) for each in (self._listen, self._tell)
        ]

    def wake(self) -> None:
        """Tell the board what is new in the book."""
        self._due.set()

    async def close(self) -> None:
        """End both tasks, and let go of the board. Never raises."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._board.close()

    async def _repeat(self, take_turn: Callable[[], Awaitable[None]]) -> None:
        """Take turns for good, with a pause after each that failed, whatever it failed by."""
        failures = 0
        while True:
            try:
                await take_turn()
            except BoardError as error:
                self._note(str(error))
            except Exception:
                logger.exception("a fault kept bans from being shared by %s", self._name)
            else:
                failures = 0
                continue
            failures += 1
            await asyncio.sleep(pause_after(failures, FIRST_DELAY, LONGEST_DELAY))

    async def _listen(self) -> None:
        news = await self._board.listen(self._epoch, self._heard)
        self._note("")
        self._meet(news)
        self._hear(news.notices)
        self._heard = news.revision

    def _meet(self, news: BanNews) -> None:
        """Have a board that is new told everything."""
        if news.epoch != self._epoch:
            self._epoch = news.epoch
            self._told, self._known_to_all = 0, self._book.revision
            self._due.set()

    async def _tell(self) -> None:
        await self._due.wait()
        self._due.clear()
        epoch, told = self._epoch, self._told
        news = self._book.news(told, own_after=self._known_to_all)
        try:
            if news.notices:
                await self._board.tell(news.notices)
        except Exception:
            self._due.set()
            raise
        if epoch == self._epoch:  # else the board is to be told everything once more
            self._told = news.revision
        if self._told < self._book.revision:
            self._due.set()

    def _note(self, error: str) -> None:
        """Log that the board is lost or found again, once."""
        if error and not self._is_lost:
            logger.warning("bans are not shared by %s: %s", self._name, error)
        elif not error and self._is_lost:
            logger.info("bans are shared by %s again", self._name)
        self._is_lost = bool(error)
