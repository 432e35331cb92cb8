"""When a request is tried again, where, and after how long.

A failed attempt goes on to a backend that was not tried yet, at once; when all were, it goes around
again after a pause that doubles and is drawn at random below its bound ("full jitter"). A
provider's `Retry-After` stretches the pause; one that asks for more than the longest pause is not
asked again.

The budget keeps retries from multiplying the load of a provider that is down: they may be at most a
share of the requests, with a small reserve so that a quiet router can still retry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from random import Random

    from airouter.config.snapshot import Retries
    from airouter.routing.catalog import Backend, Route
    from airouter.routing.selection import Selection

T = TypeVar("T")

RESERVE = 10.0


class Budget:
    """How many retries are left: every request adds its share, every retry takes one."""

    def __init__(self) -> None:
        self._left = RESERVE

    def deposit(self, percent: float) -> None:
        if self._left < 10 * RESERVE:
            self._left += percent / 100.0

    def withdraw(self) -> bool:
        """Take one retry; False when there is none left."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Tries(Generic[T]):
    """The further attempts of one request at one model, after the first has failed."""

    def __init__(
        self,
        route: Route[T],
        first: Backend[T],
        policy: Retries,
        *,
        selection: Selection,
        budget: Budget,
        random: Random,
    ) -> None:
        self._route = route
        self._policy = policy
        self._selection = selection
        self._budget = budget
        self._random = random
        self._left = policy.attempts
        self._bound = policy.backoff_initial
        self._tried = [first]

    def next(self, now: float, *, same: bool) -> tuple[float, Backend[T]] | None:
        """Seconds to wait and where to go next; None when it is over.

        `same` is whether a backend that was tried may be asked again.
        """
        if self._left <= 0:
            return None
        pause = 0.0
        backend = self._selection.choose(self._route, now, self._tried)
        if backend is None and same:
            self._tried.clear()
            backend = self._selection.choose(self._route, now)
            pause = self._pause(backend, now)
        if backend is None or pause > self._policy.backoff_max or not self._budget.withdraw():
            return None
        self._left -= 1
        self._tried.append(backend)
        return pause, backend

    def _pause(self, backend: Backend[T] | None, now: float) -> float:
        asked = 0.0 if backend is None else backend.resting_until - now
        bound = self._bound
        self._bound = min(2 * bound, self._policy.backoff_max)
        return max(self._random.random() * bound, asked)
