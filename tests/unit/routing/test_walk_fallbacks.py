"""The walk of a request whose own model is left alone, so that a fallback is asked first."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from airouter.config.snapshot import BanThreshold, Retries
from airouter.failures import Failure
from airouter.routing.catalog import Catalog, Route, by_name
from airouter.routing.fail2ban import Bans
from airouter.routing.outcome import ANSWERED, AttemptOutcome, Retry
from airouter.routing.walk import Failover, Walk
from support.routes import Node, a_backend, a_route, some_bans

OUT_OF_ORDER = AttemptOutcome(Failure(503, "down"), Retry.ANYWHERE, rests=True)
LIMITED = AttemptOutcome(Failure(429, "slow down", retry_after=60.0), Retry.ANYWHERE)
TOO_LONG = AttemptOutcome(
    Failure(400, "too long", code="context_length_exceeded"), Retry.OTHER_MODEL
)
UNWRITABLE = AttemptOutcome(Failure(400, "seed"), Retry.ELSEWHERE, unasked=True)
BAD_REQUEST = AttemptOutcome(Failure(400, "no"))


def a_walk(*routes: Route[None], bans: Bans | None = None, **policy: Any) -> Walk[None]:
    """The walk of a request for the first of some models."""
    made = {route.name: route for route in routes}
    catalog = Catalog(by_name([route.model for route in routes]), lambda model: made[model.name])
    return Walk(Failover(bans or Bans(), Random(1)), routes[0], Retries(**policy), catalog)


def first_of(*routes: Route[None], bans: Bans | None = None, **policy: Any) -> Node:
    """The backend that a new request is sent to."""
    step = a_walk(*routes, bans=bans, **policy).next(None, 0.0)
    assert step is not None
    return step[1]


def resting(name: str, outcome: AttemptOutcome = OUT_OF_ORDER) -> Node:
    """A backend that has just failed."""
    backend = a_backend(name)
    walk = a_walk(a_route([backend]), attempts=0)
    walk.next(None, 0.0)
    walk.next(outcome, 0.0)
    return backend


@pytest.mark.parametrize("refusal", [UNWRITABLE, BAD_REQUEST, TOO_LONG])
def test_what_a_fallback_refuses_is_asked_of_the_model_although_it_rests(
    refusal: AttemptOutcome,
) -> None:
    own, fallback = resting("own"), a_backend("fallback")
    routes = a_route([own], fallbacks=("n",)), a_route([fallback], name="n")
    for end in (OUT_OF_ORDER, BAD_REQUEST, ANSWERED):
        walk = a_walk(*routes, attempts=0)
        assert walk.next(None, 0.0) == (0.0, fallback)
        assert walk.next(refusal, 0.0) == (0.0, own)
        assert walk.next(end, 0.0) is None
        assert walk.outcome is end
        own.begin_rest().fail(0.0)


def test_a_fallback_that_refuses_does_not_hide_that_the_model_is_banned() -> None:
    own, fallback = a_backend("own"), a_backend("fallback")
    bans = some_bans("own", "fallback", default=BanThreshold(1, 60.0))
    bans.note(own, AttemptOutcome(Failure(503, "down"), rests=True, status=503), 0.0)
    walk = a_walk(a_route([own], fallbacks=("n",)), a_route([fallback], name="n"), bans=bans)
    assert walk.next(None, 0.0) == (0.0, fallback)
    assert walk.next(BAD_REQUEST, 0.0) is None
    assert walk.outcome.failure is not None
    assert (walk.outcome.failure.status, walk.outcome.failure.code) == (503, "no_backend")


def test_a_fallback_of_a_model_without_backends_tells_its_own_refusal() -> None:
    walk = a_walk(a_route(fallbacks=("n",)), a_route([a_backend("fallback")], name="n"))
    walk.next(None, 0.0)
    assert walk.next(BAD_REQUEST, 0.0) is None
    assert walk.outcome is BAD_REQUEST


def test_a_prompt_too_long_for_a_fallback_goes_to_the_next_model_and_not_to_the_same() -> None:
    last = a_backend("last")
    walk = a_walk(
        a_route([a_backend("own")], fallbacks=("n", "o")),
        a_route([a_backend("small")], [a_backend("as small")], name="n"),
        a_route([last], name="o"),
    )
    walk.next(None, 0.0)
    walk.next(OUT_OF_ORDER, 0.0)
    assert walk.next(TOO_LONG, 0.0) == (0.0, last)


@pytest.mark.parametrize(
    ("outcome", "reason", "others"),
    [
        (OUT_OF_ORDER, "unavailable", ("context", "rateLimit", "contentFilter")),
        (LIMITED, "rateLimit", ("context", "unavailable", "contentFilter")),
    ],
)
def test_a_model_at_rest_is_left_for_its_fallbacks_where_its_failure_is_listed(
    outcome: AttemptOutcome, reason: str, others: tuple[str, ...]
) -> None:
    own, fallback = resting("own", outcome), a_backend("fallback")
    routes = a_route([own], fallbacks=("n",)), a_route([fallback], name="n")
    assert first_of(*routes, fallback_on=(reason,)) is fallback
    assert first_of(*routes, fallback_on=others) is own


def test_a_banned_model_is_left_for_its_fallbacks_where_outages_are_listed() -> None:
    own, fallback = a_backend("own"), a_backend("fallback")
    bans = some_bans("own", "fallback", default=BanThreshold(1, 60.0))
    bans.note(own, AttemptOutcome(Failure(503, "down"), rests=True, status=503), 0.0)
    routes = a_route([own], fallbacks=("n",)), a_route([fallback], name="n")
    assert first_of(*routes, bans=bans, fallback_on=("unavailable",)) is fallback
    assert first_of(*routes, bans=bans, fallback_on=("context",)) is own


def test_a_model_whose_provider_has_no_room_is_left_for_its_fallbacks_where_limits_are_listed() -> (
    None
):
    own, fallback = a_backend("own"), a_backend("fallback")
    own.load.headroom[own.upstream_name] = (0.0, 60.0)
    routes = a_route([own], fallbacks=("n",)), a_route([fallback], name="n")
    assert first_of(*routes, fallback_on=("rateLimit",)) is fallback
    assert first_of(*routes, fallback_on=("context",)) is own


def test_a_slow_model_has_fallbacks_beside_it_where_outages_are_listed() -> None:
    own, fallback = a_backend("own"), a_backend("fallback")
    for listed, expected in (("unavailable", fallback), ("context", None)):
        walk = a_walk(
            a_route([own], fallbacks=("n",)),
            a_route([fallback], name="n"),
            fallback_on=(listed,),
        )
        walk.next(None, 0.0)
        assert walk.spare(own, 0.0) is expected
