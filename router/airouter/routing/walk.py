"""The walk of a request over the backends of its model, and then over those of its fallbacks.

A failed attempt goes on to a backend that was not tried yet, at once and free of charge: first of
the same model, then of its fallbacks, those that rest last. Only when all were tried the walk goes
around again, at most `attempts` times, after a pause that doubles and of which a half is drawn at
random, or as long as a provider's `Retry-After` asks; and each time costs the credential's budget,
so that retries do not multiply the load of a provider that is down.

`pipeline.py` makes the attempts and tells the walk how each ended; the choice among the backends of
one model is in `selection.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from airouter.bans.notice import Ban
from airouter.config.snapshot import Retries
from airouter.failures import no_backend, not_offered, price_unknown, sessions_only
from airouter.routing.affinity import StickyConversation
from airouter.routing.catalog import Backend, Catalog, Route
from airouter.routing.outcome import ANSWERED, AttemptOutcome, Retry
from airouter.routing.selection import Selection

if TYPE_CHECKING:
    from random import Random

    from airouter.failures import Failure
    from airouter.routing.fail2ban import Bans

T = TypeVar("T")

LIMITED = 429
RATE_LIMIT, UNAVAILABLE, CONTENT_FILTER = "rateLimit", "unavailable", "contentFilter"
"""Reasons for a fallback, in the words of `resilience.fallbackOn`."""

Step = tuple[float, Backend[T]]
"""Seconds to wait, and the backend to try then."""


class Failover:
    """The parts that all walks share. Lives as long as the process."""

    __slots__ = ("bans", "random", "selection")

    def __init__(self, bans: Bans, random: Random) -> None:
        self.bans = bans
        self.random = random
        self.selection = Selection(bans, random)


class Walk(msgspec.Struct, Generic[T], eq=False):
    """The backends that one request is tried at, one after the other.

    A struct, which is made in half the time of a class: most walks end at their first step.
    """

    failover: Failover
    route: Route[T]
    """The model that the client asked for."""
    policy: Retries
    catalog: Catalog[T]
    """Has the fallbacks of the route."""
    conversation: StickyConversation | None = None
    """The conversation that the request is of, where that stays with its backend."""
    outcome: AttemptOutcome = ANSWERED
    """The one that the client is told, once the walk is over."""
    bans: Sequence[tuple[float, Ban]] = ()
    """The bans that its failures led to, each with its time."""
    _tried: Sequence[Backend[T]] = ()
    _again: Sequence[Backend[T]] = ()
    """Backends that may be tried again."""
    _retries: int = 0
    """Attempts at backends that were tried before."""
    _bound: float = 0.0
    """Seconds that the next pause may take; 0.0 before the first."""
    _may_fall_back: bool = True
    """Whether fallbacks are for the failure of `outcome`."""

    def next(
        self, outcome: AttemptOutcome | None, now: float, asked: Backend[T] | None = None
    ) -> Step[T] | None:
        """Return the next attempt; None when the walk is over.

        `outcome` is that of the attempt before, None when there was no attempt yet; `asked` is the
        backend of that, where it is not the one given last.
        """
        if outcome is None:
            first = self.failover.selection.choose(self.route, now, (), self.conversation)
            if first is None or first.load.resting or self.failover.bans.standings:
                return self._first_try(now)
            self._tried = (first,)
            first.load.budget.deposit(self.policy.budget_percent)
            return 0.0, first
        backend, failure = asked or self._tried[-1], outcome.failure
        if failure is None:
            if (outcome.status or self.failover.bans.standings) and not backend.is_former:
                self._note_bans(backend, outcome, now)
            if backend.load.resting:
                backend.recover()
            self.outcome = outcome
            sticky = self.conversation
            if sticky is not None and sticky.is_away:
                self.failover.selection.moved.note_answer(sticky, self.route, backend, now)
            return None
        self.note(backend, outcome, failure, now)
        if outcome.retry is Retry.NOWHERE and self.outcome is outcome:
            return None
        return self._first_try(now) or self._try_again(now)

    def spare(self, slow: Backend[T], now: float) -> Backend[T] | None:
        """Return a backend to ask beside one that is slow; None without any, or without budget."""
        for route in self._routes(now):
            choose = self.failover.selection.choose
            backend = choose(route, now, self._tried, self.conversation)
            if backend is not None:
                return self._take(backend, now)[1] if slow.load.hedges.withdraw() else None
        return None

    def note(
        self, backend: Backend[T], outcome: AttemptOutcome, failure: Failure, now: float
    ) -> None:
        """Take note of what a failure means for the backend, and for the rest of the walk."""
        if not (outcome.unasked or backend.is_former):
            self._judge(backend, outcome, failure, now)
        self._again = tuple(each for each in self._again if each is not backend)
        if outcome.retry is Retry.ANYWHERE:
            self._again = (*self._again, backend)
        if not self._hides_another(backend, outcome):
            self.outcome = outcome
            self._may_fall_back = reason_of(outcome, failure) in self.policy.fallback_on
        elif self.outcome is ANSWERED:  # the model was left alone, for what failed before
            self.outcome = AttemptOutcome(no_backend(self.route.name), Retry.ANYWHERE)
        if outcome.retry is Retry.OTHER_MODEL:
            self._rule_out(backend)

    def _rule_out(self, backend: Backend[T]) -> None:
        """Ask none of the backends of a model that cannot answer, whoever serves it."""
        models = (self.route, *self.catalog.fallbacks_of(self.route))
        unable = next((each.backends for each in models if backend in each.backends), [])
        self._tried = (*unable, *self._tried)
        self._again = tuple(each for each in self._again if each not in unable)

    def _judge(
        self, backend: Backend[T], outcome: AttemptOutcome, failure: Failure, now: float
    ) -> None:
        """Have a backend that failed rest, or be banned."""
        self._note_bans(backend, outcome, now)
        if failure.retry_after is not None:
            limited = failure.status == LIMITED
            backend.begin_rest().ask(now, failure.retry_after, limited=limited)
        elif outcome.rests:
            backend.begin_rest().fail(now)
        elif backend.load.resting:
            backend.recover()  # it refuses the request, so it is in order

    def _note_bans(self, backend: Backend[T], outcome: AttemptOutcome, now: float) -> None:
        ban = self.failover.bans.note(backend, outcome, now)
        if ban is not None:
            self.bans = (*self.bans, (now, ban))

    def _hides_another(self, backend: Backend[T], outcome: AttemptOutcome) -> bool:
        """True where a fallback refuses the request: the outage that led there is what counts."""
        if outcome.retry is Retry.ANYWHERE or outcome.rests:
            return False
        own = self.route.backends
        if self.outcome is ANSWERED:
            return bool(own) and backend not in own
        if outcome.unasked and self.outcome.unasked:
            return not is_sooner(outcome, self.outcome)
        return outcome.unasked or backend not in own

    def _first_try(self, now: float) -> Step[T] | None:
        """Return an attempt at a backend that was not tried yet: one that does not rest, if any.

        Where there is no other, the first attempt is made although the backend is banned.
        """
        choose, tried = self.failover.selection.choose, self._tried
        untried: list[Backend[T]] = []
        for route in self._routes(now):
            backend = choose(route, now, tried, self.conversation)
            if backend is not None:
                return self._take(backend, now)
            untried += route.backends
        backend = self.failover.selection.first_to_wake(untried, now, tried)
        if backend is None and not tried:
            backend = self.failover.selection.first_released(untried, now)
        if backend is not None:
            if self.conversation is not None:
                self.conversation.is_away = True
            return self._take(backend, now)
        if not self._tried:
            self.outcome = AttemptOutcome(self._absence(), Retry.ANYWHERE)
        return None

    def _absence(self) -> Failure:
        """Return why there is no backend at all."""
        route = self.route
        if route.is_unpriced:
            return price_unknown(route.name)
        if route.sessions_only:
            return sessions_only(route.name)
        return not_offered(route.name, route.offers) if route.offers else no_backend(route.name)

    def _routes(self, now: float) -> Iterator[Route[T]]:
        """Yield the models that may answer, in their order."""
        yield self.route
        if self._is_left(now) if self.outcome is ANSWERED else self._may_fall_back:
            yield from self.catalog.fallbacks_of(self.route)

    def _is_left(self, now: float) -> bool:
        """Return whether fallbacks are for what keeps the model's own backends from being asked.

        Nothing has failed yet: they rest, are banned, have no room, or are slow.
        """
        own = self.route.backends
        reasons = {RATE_LIMIT if each.is_limited(now) else UNAVAILABLE for each in own}
        return not (reasons or {UNAVAILABLE}).isdisjoint(self.policy.fallback_on)

    def _take(self, backend: Backend[T], now: float) -> Step[T]:
        """Return the first attempt at a backend."""
        self._tried = (*self._tried, backend)
        load = backend.load
        load.budget.deposit(self.policy.budget_percent)
        if load.resting and (rest := backend.rest) is not None:
            rest.probe(now)
        if self.failover.bans.standings:
            self.failover.bans.probe(backend, now)
        return 0.0, backend

    def _try_again(self, now: float) -> Step[T] | None:
        """Return an attempt at a backend that was tried, after a pause: the first one to wake."""
        if self._retries >= self.policy.attempts:
            return None
        backend = self.failover.selection.first_to_wake(self._again, now)
        if backend is None:
            return None
        rest = backend.rest
        asked = 0.0 if rest is None else rest.asked_until - now
        if asked > self.policy.max_retry_after or not backend.load.budget.withdraw():
            return None
        self._retries += 1
        self._tried = (*self._tried, backend)
        return max(self._pause(), asked), backend

    def _pause(self) -> float:
        """Draw the next pause: at least a half of its bound."""
        bound = self._bound or self.policy.backoff_initial
        self._bound = min(2 * bound, self.policy.backoff_max)
        return bound * (1.0 + self.failover.random.random()) / 2.0


def is_sooner(outcome: AttemptOutcome, other: AttemptOutcome) -> bool:
    """Return whether the limits of one backend will have room before those of another."""
    if outcome.failure is None or other.failure is None:
        return False
    wait, others = outcome.failure.retry_after, other.failure.retry_after
    return wait is not None and others is not None and wait < others


def reason_of(outcome: AttemptOutcome, failure: Failure) -> str:
    """Return the reason for a fallback, in the words of `resilience.fallbackOn`."""
    if failure.code == "context_length_exceeded":
        return "context"
    if outcome.retry is Retry.OTHER_MODEL:
        return CONTENT_FILTER
    return RATE_LIMIT if failure.status == LIMITED else UNAVAILABLE
