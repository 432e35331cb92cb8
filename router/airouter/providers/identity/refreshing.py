"""An identity that is renewed ahead of its end, off the request path.

One attempt at a time, in a thread; a task on the loop starts it early, and a request that finds
nothing valid waits for the same attempt. While attempts fail, what is at hand serves until it ends.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from airouter.eventloop.pauses import pause_after
from airouter.providers.identity.base import IdentityError

if TYPE_CHECKING:
    from airouter.providers.identity.workers import Workers

logger = logging.getLogger("airouter.identity")

Prove = Callable[[bytes, bytes], tuple[bytes, bytes]]
"""Path and body to the path to send to and header lines, as `Signer.sign` gives them."""

AHEAD = 300.0
"""Seconds before its end in which a grant is renewed, or a quarter of its life if that is more."""
MARGIN = 5.0
"""Seconds before its end in which a grant is not used: it has to arrive."""
ATTEMPT_LIMIT = 60.0
READY_LIMIT = 10.0
LONGEST_SLEEP = 60.0
"""Clocks are set and machines sleep: what the time is has to be looked at now and then."""
FIRST_BACKOFF, LONGEST_BACKOFF = 0.5, 30.0
SHORTEST_PAUSE = 0.1
SILENCE = 600.0
"""Seconds until a failure that goes on is logged again."""
EXPIRED = "what it was given has already ended; the clock of this machine may be wrong"


@dataclass(frozen=True)
class Clock:
    """Time of day in seconds, since that is in what providers say when a grant ends."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


SYSTEM = Clock()


class Grant(NamedTuple):
    """A proof of an identity until `ends`, a time of day in seconds, or for ever (infinity)."""

    prove: Prove
    ends: float

    def __repr__(self) -> str:
        return f"Grant(ends={self.ends})"


class Terms(NamedTuple):
    """Times of day at which a grant is renewed, and from which on it is not used."""

    renew_at: float
    stop_at: float


def terms_of(ends: float, now: float) -> Terms:
    """Return the terms of a grant that was given now. A short life is renewed at its half."""
    life = ends - now
    if life == math.inf:
        return Terms(ends, ends)
    ahead = min(max(AHEAD, life / 4), life / 2)
    return Terms(ends - ahead, ends - min(MARGIN, life / 10))


class RefreshingSigner(ABC):
    """A `Signer` whose grants come from somewhere else."""

    remedy = "see whether its Secret, or the identity of the pod, is good"
    """The remedy where it gets none, for the log."""

    def __init__(self, name: str, workers: Workers, clock: Clock) -> None:
        """`name` is the credential's, for what is logged."""
        self._name = name
        self._workers = workers
        self._clock = clock
        self._grant: Grant | None = None
        self._terms = Terms(0.0, 0.0)
        self._not_before = 0.0
        self._failure: str | None = None
        self._failures = 0
        self._silent_until = 0.0
        """Time of day until which the same failure is not logged again."""
        self._attempt: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r})"

    @abstractmethod
    def fetch(self) -> Grant:
        """Get a new grant. May block: it is called in a thread, one call at a time."""

    def reason(self, error: Exception) -> str:
        """Say why `fetch` failed, in words of our own: those of a library may quote a secret."""
        return type(error).__name__

    async def sign(self, path: bytes, body: bytes) -> tuple[bytes, bytes]:
        return (await self.proof())(path, body)

    async def proof(self) -> Prove:
        """Return a proof that is valid now.

        After a failure, nobody waits before it is time for another attempt.
        """
        grant = self._valid()
        if grant is None and (self._failure is None or self._clock.now() >= self._not_before):
            await self._wait()
            grant = self._valid()
        if grant is None:
            raise IdentityError(f"credential {self._name!r}: {self._failure}")
        return grant.prove

    def start(self) -> None:
        if self._keeping is None:
            self._keeping = asyncio.get_running_loop().create_task(self._keep())

    def close(self) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            self._keeping = None

    def accept(self, grant: Grant) -> None:
        """Use a grant from now on. Raises `IdentityError` for one that has ended."""
        now = self._clock.now()
        if grant.ends <= now:
            raise IdentityError(EXPIRED)
        self._grant, self._terms = grant, terms_of(grant.ends, now)
        self._failure, self._failures = None, 0
        self._not_before = now + SHORTEST_PAUSE

    def _valid(self) -> Grant | None:
        return self._grant if self._clock.now() < self._terms.stop_at else None

    async def _wait(self) -> None:
        """Take part in the attempt that runs, or in a new one."""
        try:
            async with asyncio.timeout(READY_LIMIT):
                await asyncio.shield(self._shared_attempt())
        except TimeoutError:
            late = f"no credentials came within {READY_LIMIT:.0f} seconds"
            raise IdentityError(f"credential {self._name!r}: {late}") from None

    async def _keep(self) -> None:
        while self._terms.renew_at != math.inf:
            pause = max(self._terms.renew_at, self._not_before) - self._clock.now()
            if pause > 0:
                await self._clock.sleep(min(pause, LONGEST_SLEEP))
            else:
                await asyncio.shield(self._shared_attempt())

    def _shared_attempt(self) -> asyncio.Task[None]:
        if self._attempt is None:
            self._attempt = asyncio.get_running_loop().create_task(self._renew())
            self._attempt.add_done_callback(self._forget_attempt)
        return self._attempt

    def _forget_attempt(self, _: asyncio.Task[None]) -> None:
        self._attempt = None

    async def _renew(self) -> None:
        try:
            async with asyncio.timeout(ATTEMPT_LIMIT):
                self.accept(await self._workers.run(self.fetch))
        except IdentityError as error:
            self._fail(str(error))
        except Exception as error:  # noqa: BLE001 - libraries raise what they like
            self._fail(self.reason(error))

    def _fail(self, reason: str) -> None:
        self._failures += 1
        now = self._clock.now()
        self._not_before = now + pause_after(self._failures, FIRST_BACKOFF, LONGEST_BACKOFF)
        if reason != self._failure or now >= self._silent_until:
            self._silent_until = now + SILENCE
            told = f"{reason} (fix: {self.remedy})"
            logger.warning("credential %s cannot prove who it is: %s", self._name, told)
        self._failure = reason
