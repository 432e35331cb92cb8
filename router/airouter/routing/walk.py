"""The walk of a request over the backends of its model, and then over those of its fallbacks.

A failed attempt goes on to a backend that was not tried yet, at once; when all were, the walk goes
around again after a pause that doubles and is drawn at random below its bound ("full jitter"). A
provider's `Retry-After` stretches the pause; a provider that asks for more than the longest pause
is not asked again. When a model has no attempt left, its next fallback has its turn.

`pipeline.py` makes the attempts and tells the walk how each ended; the choice among the backends of
one model is in `selection.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from airouter.config.snapshot import Retries
from airouter.failures import no_backend, sessions_only
from airouter.routing.budget import Budget
from airouter.routing.catalog import Backend, Catalog, Route
from airouter.routing.outcome import ANSWERED, AttemptOutcome, Retry
from airouter.routing.selection import Selection

if TYPE_CHECKING:
    from random import Random

    from airouter.routing.fail2ban import Bans

T = TypeVar("T")

LONGEST_REST = 3600.0
"""Seconds of a `Retry-After` that are believed."""


class Failover:
    """The parts that all walks share. Lives as long as the process."""

    __slots__ = ("bans", "budget", "random", "selection")

    def __init__(self, bans: Bans, random: Random) -> None:
        self.bans = bans
        self.random = random
        self.selection = Selection(bans, random)
        self.budget = Budget()


class Walk(msgspec.Struct, Generic[T], eq=False):
    """The backends that one request is tried at, one after the other.

    A struct, which is made in half the time of a class: most walks end at their first step.
    """

    failover: Failover
    route: Route[T]
    """The model whose turn it is."""
    policy: Retries
    catalog: Catalog[T]
    """Has the fallbacks of the route."""
    outcome: AttemptOutcome = ANSWERED
    """The last one: once the walk is over, that of the request."""
    _fallbacks: Iterator[Route[T]] | None = None
    _tried: Sequence[Backend[T]] = ()
    """The backends of the route that were tried since the walk last went around."""
    _retries: int = 0
    """Attempts at the route after the first."""
    _bound: float = 0.0
    """Seconds that the next pause may take; 0.0 before the first."""

    def next(self, outcome: AttemptOutcome | None, now: float) -> tuple[float, Backend[T]] | None:
        """Return seconds to wait and the backend to try then; None when the walk is over.

        `outcome` is that of the attempt before, None when there was no attempt yet.
        """
        if outcome is None:
            self.failover.budget.deposit(self.policy.budget_percent)
            return self._enter(now) or self._fall_back(now)
        self.outcome = outcome
        backend, failure = self._tried[-1], outcome.failure
        self.failover.bans.note(backend, outcome)
        if failure is None:
            return None
        if failure.retry_after is not None:
            backend.rest(now + min(failure.retry_after, LONGEST_REST))
        if outcome.retry is Retry.NOWHERE:
            return None
        return self._retry(now, around=outcome.retry is Retry.ANYWHERE) or self._fall_back(now)

    def _enter(self, now: float) -> tuple[float, Backend[T]] | None:
        """Choose a backend of the model whose turn begins."""
        backend = self.failover.selection.choose(self.route, now)
        if backend is None:
            absent = sessions_only if self.route.sessions_only else no_backend
            self.outcome = AttemptOutcome(absent(self.route.name), Retry.ANYWHERE)
            return None
        self._tried = (backend,)
        return 0.0, backend

    def _fall_back(self, now: float) -> tuple[float, Backend[T]] | None:
        """Choose a backend of the next fallback that has one."""
        if self._fallbacks is None:
            self._fallbacks = self.catalog.fallbacks_of(self.route)
        for route in self._fallbacks:
            self.route = route
            self._retries = 0
            self._bound = 0.0
            step = self._enter(now)
            if step is not None:
                return step
        return None

    def _retry(self, now: float, *, around: bool) -> tuple[float, Backend[T]] | None:
        """Choose again among the backends of the same model.

        `around` allows those that were tried, when all were.
        """
        if self._retries >= self.policy.attempts:
            return None
        pause = 0.0
        backend = self.failover.selection.choose(self.route, now, self._tried)
        if backend is None and around:
            self._tried = ()
            backend = self.failover.selection.choose(self.route, now)
            pause = self._pause(backend, now)
        if (
            backend is None
            or pause > self.policy.backoff_max
            or not self.failover.budget.withdraw()
        ):
            return None
        self._retries += 1
        self._tried = (*self._tried, backend)
        return pause, backend

    def _pause(self, backend: Backend[T] | None, now: float) -> float:
        """Draw the next pause before an attempt at a backend that was tried."""
        asked = 0.0 if backend is None else backend.resting_until - now
        bound = self._bound or self.policy.backoff_initial
        self._bound = min(2 * bound, self.policy.backoff_max)
        return max(self.failover.random.random() * bound, asked)
