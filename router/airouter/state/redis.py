"""A store that all replicas share: Redis, or whatever speaks its protocol."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from airouter.state.base import Change, Store, StoreError
from airouter.state.breaker import Breaker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

T = TypeVar("T")

TIMEOUT = 2.0
"""Seconds to connect, and for each answer."""
PATIENCE = 5.0
"""Seconds for all of one call."""
MOST_CONNECTIONS = 32
MOST_TRIES = 16


class RedisStore(Store):
    """Keeps values in Redis, which expires them itself and bounds them by its own `maxmemory`."""

    def __init__(
        self,
        url: str,
        ttl: float,
        prefix: str = "airouter:",
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`ttl` is seconds; `url` may have a password in it, which no error shows."""
        import redis.asyncio  # noqa: PLC0415 - loaded where it is used
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415

        self._errors = (
            redis.exceptions.RedisError,
            OSError,
            TimeoutError,
            RecursionError,  # of a reply that is nested too deeply, which the parser descends into
        )
        self._timeouts = (redis.exceptions.TimeoutError, TimeoutError)
        self._lost_race = redis.exceptions.WatchError
        self._breaker = Breaker(clock)
        self._ttl = seconds(ttl)
        self._prefix = prefix
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            url,
            max_connections=MOST_CONNECTIONS,
            timeout=TIMEOUT,  # for a free connection
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 1),  # a pooled connection may have been closed meanwhile
            decode_responses=False,
        )
        self._redis: Any = redis.asyncio.Redis.from_pool(pool)

    def bound(self, ttl: float, max_entries: int) -> None:  # noqa: ARG002  # Redis' own matter
        self._ttl = seconds(ttl)

    async def get(self, keys: Sequence[str]) -> list[bytes | None]:
        if not keys:
            return []
        return await self._guarded(lambda: self._get([self._prefix + key for key in keys]))

    async def put(self, key: str, value: bytes) -> None:
        await self._guarded(lambda: self._redis.set(self._prefix + key, value, ex=self._ttl))

    async def delete(self, keys: Sequence[str]) -> None:
        if keys:
            names = [self._prefix + key for key in keys]
            await self._guarded(lambda: self._redis.delete(*names))

    async def update(self, key: str, change: Change) -> bytes | None:
        return await self._guarded(lambda: self._update(self._prefix + key, change))

    async def close(self) -> None:
        await self._timed(self._redis.aclose)

    async def _get(self, names: Sequence[str]) -> list[bytes | None]:
        async with self._redis.pipeline(transaction=False) as asking:
            asking.mget(names)
            # EXPIRE of an absent key does nothing, so both commands go in one round trip.
            for name in names:
                asking.expire(name, self._ttl)
            (found, *_) = await asking.execute()
        if not isinstance(found, list) or len(found) != len(names):
            raise StoreError("Redis: a broken reply")
        return [value_in(each) for each in found]

    async def _update(self, name: str, change: Change) -> bytes | None:
        """Update by optimistic locking: a value that another changed meanwhile is read again."""
        for _ in range(MOST_TRIES):
            async with self._redis.pipeline(transaction=True) as asking:
                # WATCH makes EXEC fail if another client writes the key after this read.
                await asking.watch(name)
                value = change(value_in(await asking.get(name)))
                asking.multi()
                if value is None:
                    asking.delete(name)
                else:
                    asking.set(name, value, ex=self._ttl)
                try:
                    await asking.execute()
                except self._lost_race:
                    continue
                return value
        raise StoreError("a value was changed too often at the same time")

    async def _guarded(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Return the reply of Redis. Raises `StoreError`, at once while Redis does not answer."""
        if not self._breaker.may_wait():
            raise StoreError("Redis: it does not answer")
        reply = await self._timed(ask)
        self._breaker.answered()
        return reply

    async def _timed(self, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(PATIENCE):
                return await ask()
        except self._errors as error:
            # An error is an answer too: only silence opens the breaker.
            if isinstance(error, self._timeouts):
                self._breaker.timed_out()
            else:
                self._breaker.answered()
            raise StoreError(f"Redis: {type(error).__name__}") from None


def value_in(reply: object) -> bytes | None:
    """Return the value in a reply. Raises `StoreError` for anything else."""
    if reply is None or isinstance(reply, bytes):
        return reply
    raise StoreError("Redis: a broken reply")


def seconds(ttl: float) -> int:
    """Round a lifetime to seconds, as Redis takes it."""
    return max(1, round(ttl))
