"""The bans of a process, and its connections to the boards where replicas share them.

Both are used where there are both: an operator tells people of bans, and a Redis carries them while
no operator runs.
"""

from __future__ import annotations

import asyncio
import contextlib
from time import monotonic
from typing import TYPE_CHECKING

from airouter.bans.book import BanBook
from airouter.routing.fail2ban import Bans
from airouter.sharing.link import BanLink

if TYPE_CHECKING:
    from airouter.bans.notice import Ban, BanNotice
    from airouter.config.delivery import Stream
    from airouter.config.snapshot import Snapshot
    from airouter.sharing.board import RemoteBoard


class SharedBans:
    """Connects bans with boards. Lives as long as the process."""

    def __init__(self) -> None:
        self.bans = Bans()
        self.bans.tell = self._tell
        self._book = BanBook(monotonic)
        self._redis_url: str | None = None
        self._stream: Stream | None = None
        self._links: dict[str, BanLink] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def reload(self, snapshot: Snapshot) -> None:
        """Follow a new snapshot, and speak with its Redis. Needs an event loop."""
        self.bans.reload(snapshot, monotonic())
        if snapshot.redis_url != self._redis_url:
            self._redis_url = snapshot.redis_url
            self._disconnect("Redis")
            if snapshot.redis_url is not None:
                from airouter.sharing.redis_board import RedisBoard  # noqa: PLC0415 - where used

                self._connect("Redis", RedisBoard(snapshot.redis_url))

    def follow(self, stream: Stream) -> None:
        """Speak with the operator of a stream. Needs an event loop."""
        if stream == self._stream:
            return
        from airouter.sharing.operator_board import OperatorBoard  # noqa: PLC0415 - where used

        self._stream = stream
        self._disconnect("the operator")
        with contextlib.suppress(ValueError, OSError):  # of which `sources/stream.py` tells
            self._connect("the operator", OperatorBoard(stream))

    async def close(self) -> None:
        """Let go of all boards."""
        for name in list(self._links):
            self._disconnect(name)
        await asyncio.gather(*self._closing)

    def _connect(self, name: str, board: RemoteBoard) -> None:
        self._links[name] = BanLink(name, self._book, board, self._hear)

    def _disconnect(self, name: str) -> None:
        link = self._links.pop(name, None)
        if link is not None:
            closing = asyncio.ensure_future(link.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def _tell(self, ban: Ban, *, ended: bool = False) -> None:
        self._book.note(ban, ended=ended)
        for link in self._links.values():
            link.wake()

    def _hear(self, notices: list[BanNotice]) -> None:
        now = monotonic()
        for notice in self._book.take(notices):
            self.bans.hear(notice.ban, now, ended=notice.ended)
