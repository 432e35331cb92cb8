"""The walk of a request over backends and fallbacks, with chance and time in the test's hand."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from airouter.config.snapshot import Model, Retries
from airouter.failures import Failure, upstream_failed
from airouter.routing.catalog import Catalog, Route, by_name
from airouter.routing.fail2ban import Bans
from airouter.routing.outcome import ANSWERED, AttemptOutcome, Retry
from airouter.routing.rest import FIRST_REST, LONGEST_ASKED, LONGEST_REST
from airouter.routing.walk import Failover, Walk
from support.routes import a_backend, a_route

UNREACHABLE = AttemptOutcome(upstream_failed("connect_error", ""), Retry.ANYWHERE)
KEY_REFUSED = AttemptOutcome(Failure(502, "no"), Retry.ELSEWHERE, rests=True)
OUT_OF_ORDER = AttemptOutcome(Failure(503, "down"), Retry.ANYWHERE, rests=True)
TIMED_OUT = AttemptOutcome(upstream_failed("timeout", ""), Retry.ELSEWHERE, rests=True)
TOO_LONG = AttemptOutcome(
    Failure(400, "too long", code="context_length_exceeded"), Retry.OTHER_MODEL
)
FILTERED = AttemptOutcome(Failure(400, "no", code="content_filter"), Retry.OTHER_MODEL)
UNWRITABLE = AttemptOutcome(Failure(400, "seed"), Retry.ELSEWHERE, unasked=True)
BAD_REQUEST = AttemptOutcome(Failure(400, "no"))


def a_walk(*routes: Route[None], failover: Failover | None = None, **policy: Any) -> Walk[None]:
    """The walk of a request for the first of some models."""
    made = {route.name: route for route in routes}
    catalog = Catalog(by_name([route.model for route in routes]), lambda model: made[model.name])
    failover = failover or Failover(Bans(), Random(1))
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
    for backend in (first, second):
        following = walk.next(UNREACHABLE, 0.0)
        assert following is not None
        assert following[1] is backend
        assert following[0] > 0.0
    assert walk.next(UNREACHABLE, 0.0) is None
    assert walk.outcome is UNREACHABLE


def test_pauses_double_up_to_their_bound_and_half_of_each_is_sure() -> None:
    walk = a_started_walk(
        a_route([a_backend("only")]), attempts=50, backoff_initial=0.1, backoff_max=0.4
    )
    pauses = [step[0] for _ in range(9) if (step := walk.next(UNREACHABLE, 0.0))]
    assert len(pauses) == 9
    for pause, bound in zip(pauses, [0.1, 0.2] + [0.4] * 7, strict=True):
        assert bound / 2 <= pause <= bound


def test_retry_after_stretches_the_pause() -> None:
    only = a_backend("only")
    walk = a_started_walk(a_route([only]), now=10.0, backoff_max=2.0)
    asked = AttemptOutcome(Failure(429, "slow down", retry_after=1.5), Retry.ANYWHERE)
    assert walk.next(asked, 10.0) == (1.5, only)


def test_a_longer_retry_after_than_is_waited_for_ends_it() -> None:
    walk = a_started_walk(a_route([a_backend("only")]), now=10.0, max_retry_after=5.0)
    asked = AttemptOutcome(Failure(429, "slow down", retry_after=5.1), Retry.ANYWHERE)
    assert walk.next(asked, 10.0) is None


def test_nobody_waits_for_a_provider_while_another_can_answer() -> None:
    walk = a_started_walk(
        a_route([a_backend("busy")], fallbacks=("n",)), a_route([a_backend("free")], name="n")
    )
    asked = AttemptOutcome(Failure(429, "slow down", retry_after=1.0), Retry.ANYWHERE)
    following = walk.next(asked, 0.0)
    assert following is not None
    assert following[0] == 0.0
    assert following[1].credential == "free"


@pytest.mark.parametrize("retry", Retry)
def test_a_provider_that_asks_for_rest_is_left_alone_but_not_for_ever(retry: Retry) -> None:
    only = a_backend("only")
    walk = a_started_walk(a_route([only]))
    walk.next(AttemptOutcome(Failure(429, "slow down", retry_after=1e9), retry), 10.0)
    assert only.resting_until == 10.0 + LONGEST_ASKED


def test_a_backend_whose_key_is_refused_is_not_asked_again() -> None:
    assert a_started_walk(a_route([a_backend("only")])).next(KEY_REFUSED, 0.0) is None


def test_a_backend_that_has_used_up_its_time_is_not_asked_again() -> None:
    assert a_started_walk(a_route([a_backend("only")])).next(TIMED_OUT, 0.0) is None


def test_attempts_bound_going_around_again_but_not_the_walk_over_untried_backends() -> None:
    backends = [a_backend(str(number)) for number in range(10)]
    walk = a_walk(a_route(*([each] for each in backends)), attempts=0)
    tried = []
    outcome = None
    while (step := walk.next(outcome, 0.0)) is not None:
        tried.append(step)
        outcome = UNREACHABLE
    assert tried == [(0.0, each) for each in backends]


def test_an_empty_budget_ends_going_around_but_not_the_walk_over_untried_backends() -> None:
    first, second = a_backend("first"), a_backend("second")
    for each in (first, second):
        while each.load.budget.withdraw():
            pass
    walk = a_walk(a_route([first], [second]), budget_percent=0.0)
    walk.next(None, 0.0)
    assert walk.next(UNREACHABLE, 0.0) == (0.0, second)
    assert walk.next(UNREACHABLE, 0.0) is None


def test_an_outage_takes_nothing_from_the_budget_of_others() -> None:
    dead, other = a_backend("dead"), a_backend("other")
    for _ in range(100):
        walk = a_walk(a_route([dead]), budget_percent=0.0)
        outcome = None
        while walk.next(outcome, 0.0) is not None:
            outcome = UNREACHABLE
    walk = a_walk(a_route([other]))
    walk.next(None, 0.0)
    assert walk.next(UNREACHABLE, 0.0) is not None


def test_every_request_adds_its_share_to_the_budget() -> None:
    only = a_backend("a")
    while only.load.budget.withdraw():
        pass
    for _ in range(5):
        a_walk(a_route([only]), budget_percent=20.0).next(None, 0.0)
    assert only.load.budget.withdraw()


def test_every_fallback_has_its_turn_before_anybody_is_asked_again() -> None:
    first, other, last = a_backend("first"), a_backend("other"), a_backend("last")
    walk = a_walk(
        a_route([first], fallbacks=("n", "o")),
        a_route([other], name="n"),
        a_route([last], name="o"),
        attempts=1,
    )
    assert walk.next(None, 0.0) == (0.0, first)
    assert walk.next(UNREACHABLE, 0.0) == (0.0, other)
    assert walk.next(UNREACHABLE, 0.0) == (0.0, last)
    following = walk.next(UNREACHABLE, 0.0)
    assert following is not None
    assert following[1] is first
    assert walk.next(UNREACHABLE, 0.0) is None


def test_a_prompt_that_is_too_long_goes_to_a_fallback_and_never_to_the_same_model() -> None:
    walk = a_started_walk(
        a_route([a_backend("a")], [a_backend("b")], fallbacks=("large",)),
        a_route([a_backend("c")], name="large"),
    )
    following = walk.next(TOO_LONG, 0.0)
    assert following is not None
    assert following[1].credential == "c"
    assert walk.next(TOO_LONG, 0.0) is None


def test_a_model_that_cannot_answer_is_not_tried_again_by_another_of_its_backends() -> None:
    down, full, large = a_backend("down"), a_backend("full"), a_backend("large")
    walk = a_started_walk(
        a_route([down], [full], fallbacks=("n",)), a_route([large], name="n"), attempts=2
    )
    assert walk.next(OUT_OF_ORDER, 0.0) == (0.0, full)
    assert walk.next(TOO_LONG, 0.0) == (0.0, large)
    following = walk.next(OUT_OF_ORDER, 0.0)
    assert following is not None
    assert following[1] is large


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (TOO_LONG, "context"),
        (FILTERED, "contentFilter"),
        (OUT_OF_ORDER, "unavailable"),
        (AttemptOutcome(Failure(429, "slow down"), Retry.ANYWHERE), "rateLimit"),
    ],
)
def test_fallbacks_are_for_the_failures_that_are_listed(
    outcome: AttemptOutcome, reason: str
) -> None:
    for listed in (True, False):
        walk = a_started_walk(
            a_route([a_backend("a")], fallbacks=("n",)),
            a_route([a_backend("b")], name="n"),
            attempts=0,
            fallback_on=(reason,) if listed else (),
        )
        assert (walk.next(outcome, 0.0) is not None) == listed


@pytest.mark.parametrize("refusal", [UNWRITABLE, BAD_REQUEST])
def test_a_fallback_that_cannot_take_the_request_does_not_hide_the_outage(
    refusal: AttemptOutcome,
) -> None:
    last = a_backend("last")
    walk = a_started_walk(
        a_route([a_backend("a")], fallbacks=("n", "o")),
        a_route([a_backend("b")], name="n"),
        a_route([last], name="o"),
        attempts=0,
    )
    assert walk.next(OUT_OF_ORDER, 0.0) is not None
    assert walk.next(refusal, 0.0) == (0.0, last)
    assert walk.next(refusal, 0.0) is None
    assert walk.outcome is OUT_OF_ORDER


def test_a_backend_that_is_out_of_order_rests_ever_longer_and_is_tried_by_one_request() -> None:
    dead, healthy = a_backend("dead"), a_backend("healthy")
    route = a_route([dead], [healthy])

    def chosen(now: float) -> str:
        step = a_walk(route).next(None, now)
        assert step is not None
        return step[1].credential

    a_started_walk(route).next(OUT_OF_ORDER, 0.0)
    assert chosen(FIRST_REST - 0.01) == "healthy"
    assert chosen(FIRST_REST) == "dead"  # half open
    assert chosen(FIRST_REST) == "healthy"
    for _ in range(20):
        dead.begin_rest().fail(100.0)
    assert dead.resting_until == 100.0 + LONGEST_REST


def test_an_answer_ends_the_rest() -> None:
    backend = a_backend("a")
    backend.begin_rest().fail(0.0)
    walk = a_walk(a_route([backend]))
    assert walk.next(None, 0.0) == (0.0, backend)
    walk.next(ANSWERED, 0.0)
    assert backend.rest is None


@pytest.mark.parametrize("dead_tiers", [1, 2])
def test_a_thousand_requests_beside_dead_backends_are_all_answered(dead_tiers: int) -> None:
    dead = [a_backend(f"dead-{number}") for number in range(dead_tiers)]
    route = a_route(*([each] for each in dead), [a_backend("healthy")])
    failed = 0
    for number in range(1_000):
        walk, now, outcome = a_walk(route), number / 100, None
        while (step := walk.next(outcome, now)) is not None:
            assert step[0] == 0.0
            lives = step[1].credential == "healthy"
            failed += not lives
            outcome = ANSWERED if lives else OUT_OF_ORDER
        assert walk.outcome is ANSWERED
    assert failed <= 10 * dead_tiers


def test_when_all_are_dead_going_around_is_bounded_by_the_budget() -> None:
    route = a_route([a_backend("a")], [a_backend("b")])
    again = 0
    for number in range(1_000):
        walk, outcome, attempts = a_walk(route, attempts=5), None, 0
        while walk.next(outcome, number / 100) is not None:
            outcome, attempts = OUT_OF_ORDER, attempts + 1
        assert walk.outcome is OUT_OF_ORDER
        again += attempts - 2
    assert again <= 0.2 * 2_000 + 20


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
