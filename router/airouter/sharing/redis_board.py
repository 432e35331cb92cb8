"""A board inside a Redis: one script that takes in what is told, and returns what is new.

Its clock is that of Redis, so those of pods do not matter. Its keys begin with `airouter:bans:`.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

import msgspec

from airouter.bans.book import KEPT, MOST
from airouter.bans.notice import MOST_NOTICES, BanNews, UnreadableBans, read_bans
from airouter.redis.script import TIMEOUT, RedisScript, RedisSilent
from airouter.sharing.board import BoardError, RemoteBoard

if TYPE_CHECKING:
    from airouter.bans.notice import BanNotice

EVERY = 0.25
"""Seconds between two looks at the board."""
FORGOTTEN = 31 * 86_400
"""Seconds after which a board is dropped that nobody has told anything."""
PREFIX = "airouter:bans:"


class RedisBoard(RemoteBoard):
    """A board at the URL of a Redis."""

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        """`url` may have a password in it, which no error shows; `timeout` is seconds."""
        self._script = RedisScript(url, "airouter.sharing", "bans.lua", timeout)

    async def tell(self, notices: list[BanNotice]) -> None:
        """Leave word. Raises `BoardError`."""
        await self._call(notices, "", 0)

    async def listen(self, epoch: str, since: int) -> BanNews:
        """Return what is new at the next look. Raises `BoardError`."""
        if epoch:
            await asyncio.sleep(EVERY)
        return await self._call([], epoch, since)

    async def close(self) -> None:
        """Let go of connections. Never raises."""
        await self._script.close()

    async def _call(self, notices: list[BanNotice], epoch: str, since: int) -> BanNews:
        keys = [PREFIX + "entries", PREFIX + "state"]
        told = msgspec.json.encode(notices)
        bounds = (MOST, KEPT, MOST_NOTICES, FORGOTTEN)
        try:
            reply = await self._script.run(
                keys, (told, epoch, since, secrets.token_hex(8), *bounds)
            )
        except RedisSilent as why:
            raise BoardError(str(why)) from None
        try:
            return read_bans(reply if isinstance(reply, bytes) else b"", BanNews)
        except UnreadableBans as error:
            raise BoardError(f"its reply {error}") from None
