"""What stands in the place of a fixed key, and how it is kept fresh.

Tokens and session keys end. They are renewed ahead of that by a task in the background, in a
thread, because the clouds' libraries block; requests use what is there, and wait only when there is
nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from random import random
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from airouter.wire import UpstreamError

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("airouter.identity")

T = TypeVar("T")

EARLIEST = 300.0
"""Seconds before its end that something long-lived is renewed; for short lives, a quarter."""
LONGEST_WAIT = 10.0
"""Seconds that a request waits for a first token."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between attempts that fail."""


class IdentityError(UpstreamError):
    """Nobody would tell us who we are. The text names no secret."""

    kind = "identity_error"


class Signer(Protocol):
    """Authorizes requests, each by itself."""

    async def sign(self, path: bytes, body: bytes) -> tuple[bytes, bytes]:
        """The path to send to, and header lines for one POST. Raises `IdentityError`."""
        ...

    def close(self) -> None:
        """Renew no more."""
        ...


class Lease(NamedTuple, Generic[T]):
    """Something that ends at `expires_at` (Unix seconds), or never."""

    value: T
    expires_at: float | None


class Renewal(Generic[T]):
    """Keeps a lease fresh."""

    def __init__(
        self,
        obtain: Callable[[], Lease[T]],
        name: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`obtain` blocks and may raise anything; `name` is for the log."""
        self._obtain = obtain
        self._name = name
        self._clock = clock
        self._lease: Lease[T] | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._failures = 0
        self._closed = False

    async def get(self) -> T:
        """What is valid now. Raises `IdentityError` when that cannot be had in time."""
        lease = self._lease
        if lease is None or self._ended(lease):
            lease = await self._first()
        return lease.value

    def start(self) -> None:
        """Renew now, unless that is under way."""
        if not self._closed and (self._renewing is None or self._renewing.done()):
            self._renewing = asyncio.get_running_loop().create_task(self._renew())

    def close(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._renewing is not None:
            self._renewing.cancel()

    async def _first(self) -> Lease[T]:
        self.start()
        if self._renewing is not None:
            await asyncio.wait({self._renewing}, timeout=LONGEST_WAIT)
        if self._lease is None or self._ended(self._lease):
            raise IdentityError(f"{self._name}: no valid credentials")
        return self._lease

    async def _renew(self) -> None:
        try:
            lease = await asyncio.to_thread(self._obtain)
        except Exception as error:  # noqa: BLE001  # whatever the cloud's library raises
            self._failures += 1
            logger.warning("%s: cannot be renewed: %s", self._name, type(error).__name__)
            self._schedule(min(LONGEST_PAUSE, FIRST_PAUSE * 2**self._failures) * (0.5 + random()))
            return
        self._failures = 0
        self._lease = lease
        if lease.expires_at is not None:
            left = lease.expires_at - self._clock()
            self._schedule(max(FIRST_PAUSE, left - min(EARLIEST, left / 4)))

    def _schedule(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._closed:
            self._timer = asyncio.get_running_loop().call_later(seconds, self.start)

    def _ended(self, lease: Lease[T]) -> bool:
        return lease.expires_at is not None and lease.expires_at <= self._clock()
