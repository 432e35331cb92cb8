"""The ledger inside a Redis, as one script: a round trip for each exchange, whatever is in it.

Its clock is that of Redis, so those of pods do not matter. All keys begin with `airouter:ledger:`.
They have no hash tag, as `state/redis.py` knows no Redis Cluster either.
"""

from __future__ import annotations

import asyncio
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.bookkeeping.messages import (
    KEPT,
    LEASE,
    MEMORY,
    SETTLING,
    SHARED,
    SLOTS_LEASE,
    SOON,
    TOO_LATE,
    WHOLE,
    LedgerAnswer,
)
from airouter.bookkeeping.window import SPAN, STEPS_PER_SECOND
from airouter.limits.ledger.base import LedgerError, RemoteLedger

if TYPE_CHECKING:
    from airouter.bookkeeping.messages import LedgerMessage

TIMEOUT = 0.5
"""Seconds for all of one exchange."""
CONSTANTS = (
    SPAN,
    LEASE,
    SLOTS_LEASE,
    SETTLING,
    KEPT,
    MEMORY // STEPS_PER_SECOND,
    SOON,
    WHOLE,
    SHARED,
    STEPS_PER_SECOND,
)
PREFIX = "airouter:ledger:"


class RedisLedger(RemoteLedger):
    """A ledger at the URL of a Redis."""

    def __init__(self, url: str, prefix: str = PREFIX, timeout: float = TIMEOUT) -> None:
        """`url` may have a password in it, which no error shows; `timeout` is seconds."""
        import redis.asyncio  # noqa: PLC0415 - loaded where it is used
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415

        self._errors = (redis.exceptions.RedisError, OSError, TimeoutError, RecursionError)
        self._prefix = prefix
        self._timeout = timeout
        self._redis: Any = redis.asyncio.Redis.from_url(
            url,
            max_connections=2,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            # A message that is sent again is told from a new one by its number.
            retry=Retry(NoBackoff(), 0),
            decode_responses=False,
        )
        script = files("airouter.limits.ledger").joinpath("ledger.lua").read_text("utf-8")
        self._script: Any = self._redis.register_script(script)

    async def exchange(self, message: LedgerMessage, now: int | str = "") -> LedgerAnswer:
        """Return the answer; `now` is the step that a test wants it to be."""
        keys = [self._prefix + "state", self._prefix + "pods"]
        for line in message.lines:
            keys += (f"{self._prefix}uses:{line.key}", f"{self._prefix}outs:{line.key}")
        arguments = (msgspec.json.encode(message), now, *CONSTANTS)
        try:
            async with asyncio.timeout(self._timeout):
                reply = await self._script(keys, arguments)
        except self._errors as error:
            raise LedgerError(f"Redis: {type(error).__name__}") from None
        if not isinstance(reply, bytes):
            raise LedgerError("Redis: a message came late")
        try:
            answer = msgspec.json.decode(reply, type=LedgerAnswer)
        except msgspec.DecodeError:
            raise LedgerError("Redis: a broken reply") from None
        if answer.share != TOO_LATE and len(answer.grants) != len(message.lines):
            raise LedgerError("Redis: a broken reply")
        return answer

    async def close(self) -> None:
        """Let go of connections. Never raises."""
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._redis.aclose()
        except self._errors:
            pass
