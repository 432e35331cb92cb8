"""A board inside a Redis: one script that takes in what is told, and returns what is new.

Its clock is that of Redis, so those of pods do not matter. Its keys begin with `airouter:bans:`.
"""

from __future__ import annotations

import asyncio
import secrets
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.bans.book import KEPT, MOST
from airouter.bans.notice import MOST_NOTICES, BanNews, UnreadableBans, read_bans
from airouter.sharing.board import BoardError, RemoteBoard

if TYPE_CHECKING:
    from airouter.bans.notice import BanNotice

EVERY = 0.25
"""Seconds between two looks at the board."""
TIMEOUT = 0.5
"""Seconds for one call."""
FORGOTTEN = 31 * 86_400
"""Seconds after which a board is dropped that nobody has told anything."""
PREFIX = "airouter:bans:"


class RedisBoard(RemoteBoard):
    """A board at the URL of a Redis."""

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        """`url` may have a password in it, which no error shows; `timeout` is seconds."""
        import redis.asyncio  # noqa: PLC0415 - loaded where it is used
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415

        self._errors = (redis.exceptions.RedisError, OSError, TimeoutError, RecursionError)
        self._timeout = timeout
        self._redis: Any = redis.asyncio.Redis.from_url(
            url,
            max_connections=2,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            decode_responses=False,
        )
        script = files("airouter.sharing").joinpath("bans.lua").read_text("utf-8")
        self._script: Any = self._redis.register_script(script)

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
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._redis.aclose()
        except self._errors:
            pass

    async def _call(self, notices: list[BanNotice], epoch: str, since: int) -> BanNews:
        keys = [PREFIX + "entries", PREFIX + "state"]
        told = msgspec.json.encode(notices)
        bounds = (MOST, KEPT, MOST_NOTICES, FORGOTTEN)
        try:
            async with asyncio.timeout(self._timeout):
                reply = await self._script(
                    keys, [told, epoch, since, secrets.token_hex(8), *bounds]
                )
        except self._errors as error:
            raise BoardError(type(error).__name__) from None
        try:
            return read_bans(reply if isinstance(reply, bytes) else b"", BanNews)
        except UnreadableBans as error:
            raise BoardError(f"its reply {error}") from None
