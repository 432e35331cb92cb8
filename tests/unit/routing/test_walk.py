"""The walk of a request over backends and fallbacks, with chance and time in the test's hand."""

from __future__ import annotations

from random import Random
from typing import Any, TypeVar

import pytest

from airouter.config.snapshot import Model, Retries
from airouter.failures import Failure, upstream_unreachable
from airouter.routing.catalog import Backend, Catalog, Route, by_name
from airouter.routing.fail2ban import NoBans
from airouter.routing.outcome import ANSWERED, AttemptOutcome, Retry
from airouter.routing.walk import LONGEST_REST, Failover, Walk
from support.routes import a_backend, a_route

T = TypeVar("T")

UNREACHABLE = AttemptOutcome(upstream_unreachable("connect_error"), Retry.ANYWHERE)
KEY_REFUSED = AttemptOutcome(Failure(502, "no"), Retry.ELSEWHERE)
BAD_REQUEST = AttemptOutcome(Failure(400, "no"))


def a_walk(*routes: Route[None], failover: Failover | None = None, **policy: Any) -> Walk[None]:
    """The walk of a request for the first of some models."""
    made = {route.name: route for route in routes}
    catalog = Catalog(by_name([route.model for route in routes]), lambda model: made[model.name])
    failover = failover or Failover(NoBans(), Random(1))
    return Walk(failover, routes[0], Retries(**policy), catalog)


def a_started_walk(*routes: Route[None], now: float = 0.0, **policy: Any) -> Walk[None]:
    """A walk whose first attempt is made."""
    walk = a_walk(*routes, **policy)
    assert walk.next(None, now) is not None
    return walk


def test_an_answer_ends_it() -> None:
    walk = a_walk(a_route([a_backend("first")], [a_backend("second")]))
    walk.next(None, 0.0)
    assert walk.next(ANSWERED, 0.0) is None
    assert walk.outcome is ANSWERED


def test_a_failure_of_the_request_itself_ends_it() -> None:
    other = a_route([a_backend("other")], name="n")
    walk = a_walk(a_route([a_backend("first")], [a_backend("second")], fallbacks=("n",)), other)
    walk.next(None, 0.0)
    assert walk.next(BAD_REQUEST, 0.0) is None
    assert walk.outcome is BAD_REQUEST


def test_a_retry_goes_to_another_backend_at_once_and_then_around_again_after_a_pause() -> None:
    first, second = a_backend("first"), a_backend("second")
    walk = a_walk(a_route([first], [second]), attempts=2, backoff_initial=0.5)
    assert walk.next(None, 0.0) == (0.0, first)
    assert walk.next(UNREACHABLE, 0.0) == (0.0, second)
    following = walk.next(UNREACHABLE, 0.0)
    assert following is not None
    assert 0.0 < following[0] <= 0.5
    assert walk.next(UNREACHABLE, 0.0) is None
    assert walk.outcome is UNREACHABLE


def test_pauses_double_up_to_their_bound() -> None:
    walk = a_started_walk(
        a_route([a_backend("only")]), attempts=50, backoff_initial=0.1, backoff_max=0.4
    )
    pauses = [step[0] for _ in range(9) if (step := walk.next(UNREACHABLE, 0.0))]
    assert len(pauses) == 9
    assert max(pauses) <= 0.4
    assert max(pauses[2:]) > 0.2


def test_retry_after_stretches_the_pause() -> None:
    only = a_backend("only")
    walk = a_started_walk(a_route([only]), now=10.0, backoff_max=2.0)
    asked = AttemptOutcome(Failure(429, "slow down", retry_after=1.5), Retry.ANYWHERE)
    assert walk.next(asked, 10.0) == (1.5, only)


def test_a_longer_retry_after_than_the_longest_pause_ends_it() -> None:
    walk = a_started_walk(a_route([a_backend("only")]), now=10.0, backoff_max=2.0)
    asked = AttemptOutcome(Failure(429, "slow down", retry_after=10.0), Retry.ANYWHERE)
    assert walk.next(asked, 10.0) is None


@pytest.mark.parametrize("retry", Retry)
def test_a_provider_that_asks_for_rest_is_left_alone_but_not_for_ever(retry: Retry) -> None:
    only = a_backend("only")
    walk = a_started_walk(a_route([only]))
    walk.next(AttemptOutcome(Failure(429, "slow down", retry_after=1e9), retry), 10.0)
    assert only.resting_until == 10.0 + LONGEST_REST


def test_a_backend_whose_key_is_refused_is_not_asked_again() -> None:
    assert a_started_walk(a_route([a_backend("only")])).next(KEY_REFUSED, 0.0) is None


def test_no_attempts_means_no_attempts() -> None:
    walk = a_started_walk(a_route([a_backend("first"), a_backend("second")]), attempts=0)
    assert walk.next(UNREACHABLE, 0.0) is None


def test_an_empty_budget_ends_it() -> None:
    failover = Failover(NoBans(), Random(1))
    while failover.budget.withdraw():
        pass
    walk = a_walk(
        a_route([a_backend("first"), a_backend("second")]), failover=failover, budget_percent=0.0
    )
    walk.next(None, 0.0)
    assert walk.next(UNREACHABLE, 0.0) is None


def test_every_request_adds_its_share_to_the_budget() -> None:
    failover = Failover(NoBans(), Random(1))
    while failover.budget.withdraw():
        pass
    for _ in range(5):
        a_walk(a_route([a_backend("a")]), failover=failover, budget_percent=20.0).next(None, 0.0)
    assert failover.budget.withdraw()


def test_a_fallback_has_its_turn_when_the_model_has_no_attempt_left() -> None:
    first, other, last = a_backend("first"), a_backend("other"), a_backend("last")
    walk = a_walk(
        a_route([first], fallbacks=("n", "o")),
        a_route([other], name="n"),
        a_route([last], name="o"),
        attempts=1,
        backoff_initial=0.0,
    )
    assert walk.next(None, 0.0) == (0.0, first)
    assert walk.next(UNREACHABLE, 0.0) == (0.0, first)
    assert walk.next(UNREACHABLE, 0.0) == (0.0, other)
    assert walk.next(UNREACHABLE, 0.0) == (0.0, other)
    assert walk.next(UNREACHABLE, 0.0) == (0.0, last)
    assert walk.next(BAD_REQUEST, 0.0) is None


def test_a_fallback_answers_for_a_model_that_has_no_backend() -> None:
    other = a_backend("other")
    walk = a_walk(a_route(fallbacks=("n", "o")), a_route(name="n"), a_route([other], name="o"))
    assert walk.next(None, 0.0) == (0.0, other)


def test_fallbacks_of_a_fallback_are_not_asked() -> None:
    walk = a_started_walk(
        a_route([a_backend("a")], fallbacks=("n",)),
        a_route([a_backend("b")], name="n", fallbacks=("o",)),
        a_route([a_backend("c")], name="o"),
        attempts=0,
    )
    assert walk.next(UNREACHABLE, 0.0) is not None
    assert walk.next(UNREACHABLE, 0.0) is None


@pytest.mark.parametrize(("sessions_only", "status"), [(False, 503), (True, 400)])
def test_a_model_without_any_backend_fails(*, sessions_only: bool, status: int) -> None:
    route: Route[None] = Route(Model(name="m"), [])
    route.sessions_only = sessions_only
    walk = a_walk(route)
    assert walk.next(None, 0.0) is None
    assert walk.outcome.failure is not None
    assert walk.outcome.failure.status == status


def test_bans_are_told_how_every_attempt_ended() -> None:
    class Noted(NoBans):
        def __init__(self) -> None:
            self.seen: list[tuple[str, AttemptOutcome]] = []

        def note(self, backend: Backend[T], outcome: AttemptOutcome) -> None:
            self.seen.append((backend.credential, outcome))

    bans = Noted()
    walk = a_walk(
        a_route([a_backend("a")], [a_backend("b")]), failover=Failover(bans, Random(1)), attempts=1
    )
    walk.next(None, 0.0)
    walk.next(UNREACHABLE, 0.0)
    walk.next(ANSWERED, 0.0)
    assert bans.seen == [("a", UNREACHABLE), ("b", ANSWERED)]
