"""A script that runs inside a Redis: one round trip for a call, whatever it reads and writes.

A Redis that is slow is worse than one that is dead, so a call has a deadline and is not tried
again: who calls knows better whether it would be wise.
"""

from __future__ import annotations

import asyncio
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    Argument = str | bytes | int | float
    """What a script gets is text to it."""

TIMEOUT = 0.5
"""Seconds for one call."""


class RedisSilent(Exception):
    """A Redis that does not answer, or in time. The text names no secret."""


class RedisScript:
    """One script at the URL of a Redis."""

    def __init__(self, url: str, room: str, file: str, timeout: float = TIMEOUT) -> None:
        """`url` may have a password in it, which no error shows; `timeout` is seconds.

        `file` is the script's, in the package `room`.
        """
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
        self._script: Any = self._redis.register_script(
            files(room).joinpath(file).read_text("utf-8")
        )

    async def run(self, keys: Sequence[str], arguments: Sequence[Argument]) -> object:
        """Return what the script does. Raises `RedisSilent`."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._script(keys, arguments)
        except self._errors as error:
            raise RedisSilent(type(error).__name__) from None

    async def close(self) -> None:
        """Let go of connections. Never raises."""
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._redis.aclose()
        except self._errors:
            pass
