"""The choice among the backends of one model: by priority, then weight, then load.

Inside a tier two backends are drawn by weight and the one with fewer requests in flight for its
weight is taken ("the power of two choices", Mitzenmacher 2001): an idle router keeps the declared
shares exactly, a busy one leans away from slow backends, and neither looks at all of them. A
conversation that stays with its backend is not drawn: see `affinity.py` and `moved.py`.
"""

from __future__ import annotations

from math import inf
from operator import itemgetter
from typing import TYPE_CHECKING, TypeVar

from airouter.routing.catalog import Tier
from airouter.routing.moved import MovedConversations

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from random import Random

    from airouter.routing.affinity import StickyConversation
    from airouter.routing.catalog import Backend, Route
    from airouter.routing.fail2ban import Bans

T = TypeVar("T")

SCARCE, LEAST = 0.2, 0.01
"""Shares of a provider's limits: below the first it is spared, the second is counted at least."""


class Selection:
    """Chooses a backend of a route."""

    def __init__(self, bans: Bans, random: Random) -> None:
        self._bans = bans
        self._standings = bans.standings
        self._random = random
        self.moved = MovedConversations()

    def choose(
        self,
        route: Route[T],
        now: float,
        tried: Collection[Backend[T]] = (),
        conversation: StickyConversation | None = None,
    ) -> Backend[T] | None:
        """Return the best backend that may be chosen now, of those not tried; None without one.

        `conversation` is one that stays with its backend.
        """
        for tier in route.tiers:
            backends = tier.backends
            if conversation is None or len(backends) == 1:
                drawn = backends[0] if len(backends) == 1 else self._draw(tier)
                if self._is_awake(drawn, now, tried):
                    return drawn
            awake = [backend for backend in backends if self._is_awake(backend, now, tried)]
            if awake:
                if conversation is not None:
                    return self.moved.place(conversation, route.name, backends, awake, now)
                return self._draw(Tier(awake))
        return None

    def _draw(self, tier: Tier[T]) -> Backend[T]:
        """Draw two backends, and take the one under less pressure."""
        random = self._random.random
        first, second = tier.draw(random()), tier.draw(random())
        if first is second or pressure(first) <= pressure(second):
            return first
        return second

    def _is_awake(self, backend: Backend[T], now: float, tried: Collection[Backend[T]]) -> bool:
        """Return whether a backend may be chosen now."""
        load = backend.load
        if tried and backend in tried:
            return False
        if load.resting and backend.resting_until > now:
            return False
        if (backend.limits is not None or load.headroom) and not backend.has_room(now):
            return False
        return not (self._standings and self._bans.holds(backend, now))

    def first_to_wake(
        self, backends: Iterable[Backend[T]], now: float, tried: Collection[Backend[T]] = ()
    ) -> Backend[T] | None:
        """Return the backend whose rest ends first, of those that were not tried."""
        usable = [
            backend
            for backend in backends
            if backend not in tried and not self._bans.holds(backend, now)
        ]
        return min(usable, key=lambda backend: backend.resting_until, default=None)

    def first_released(self, backends: Iterable[Backend[T]], now: float) -> Backend[T] | None:
        """Return the banned backend whose ban ends first; None where all are banned by hand."""
        ends = [(self._bans.ends(backend, now), backend) for backend in backends]
        usable = [(end, backend) for end, backend in ends if end < inf]
        return min(usable, key=itemgetter(0))[1] if usable else None


def pressure(backend: Backend[T]) -> float:
    """Return the requests in flight for each unit of weight; more where a provider's limits end."""
    load = backend.load
    if backend.upstream_name in load.headroom:
        share, _ = load.headroom[backend.upstream_name]
        if share < SCARCE:
            return (load.in_flight + 1) / (backend.weight * max(share, LEAST))
    return load.in_flight / backend.weight
