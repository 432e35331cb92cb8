"""The board of one RouterConfig: bans as its pods tell them, for all pods and for the status.

Its memory ends with the leadership of this replica; pods tell the next leader all that they know.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from airouter.bans.book import BanBook

if TYPE_CHECKING:
    from airouter.bans.notice import Ban, BanNews, BanNotice


class BanBoard:
    """A book of bans, and the polls that wait for news."""

    def __init__(self) -> None:
        self._book = BanBook(time.monotonic)
        self._changed = asyncio.Event()
        """Set when a poll should look again; replaced by another for the next change."""

    def take(self, notices: list[BanNotice]) -> bool:
        """Take in what a pod tells, and return whether anything of it is news."""
        if not self._book.take(notices):
            return False
        self.wake()
        return True

    def wake(self) -> None:
        """Have every poll that waits look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def news(self, epoch: str, since: int, hold: float) -> BanNews | None:
        """Return what is new to a pod, once there is some; None after `hold` seconds without."""
        if epoch != self._book.epoch:
            return self._book.news(0)
        if since >= self._book.revision:
            try:
                async with asyncio.timeout(hold):
                    await self._changed.wait()
            except TimeoutError:
                return None
        return self._book.news(since)

    def known(self) -> list[Ban]:
        """Return the bans there are, those that are half open too."""
        return self._book.known()
