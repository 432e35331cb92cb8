"""The walk of a request where backends are banned."""

from __future__ import annotations

from random import Random
from typing import Any

from airouter.config.snapshot import BanThreshold, Retries
from airouter.failures import Failure
from airouter.routing.catalog import Catalog, Route, by_name
from airouter.routing.fail2ban import Bans
from airouter.routing.outcome import ANSWERED, AttemptOutcome, Retry
from airouter.routing.walk import Failover, Walk
from support.routes import Node, a_backend, a_route, some_bans

DOWN = AttemptOutcome(Failure(503, "down"), Retry.ANYWHERE, rests=True, status=503)
BROKEN_OFF = AttemptOutcome(status=502, kind="broken_reply")
AT_ONCE = BanThreshold(1, 60.0)


def a_walk(bans: Bans, *routes: Route[None], **policy: Any) -> Walk[None]:
    """The walk of a request for the first of some models."""
    made = {route.name: route for route in routes}
    catalog = Catalog(by_name([route.model for route in routes]), lambda model: made[model.name])
    return Walk(Failover(bans, Random(1)), routes[0], Retries(**policy), catalog)


def first_of(bans: Bans, route: Route[None], now: float) -> Node | None:
    """The backend that a new request is sent to."""
    step = a_walk(bans, route).next(None, now)
    return None if step is None else step[1]


def test_a_failure_that_leads_to_a_ban_is_told_with_its_time() -> None:
    walk = a_walk(some_bans("a", default=AT_ONCE), a_route([a_backend("a")]), attempts=5)
    walk.next(None, 0.0)
    assert walk.next(DOWN, 7.0) is None, "a banned backend is not tried again"
    ((at, ban),) = walk.bans
    assert (at, ban.credential, ban.reason) == (7.0, "a", "503")


def test_a_stream_that_breaks_off_may_lead_to_a_ban() -> None:
    walk = a_walk(some_bans("a", default=AT_ONCE), a_route([a_backend("a")]))
    walk.next(None, 0.0)
    assert walk.next(BROKEN_OFF, 0.0) is None
    assert len(walk.bans) == 1


def test_a_banned_backend_is_left_to_the_others() -> None:
    bans, best, other = some_bans("a", "b"), a_backend("a"), a_backend("b")
    bans.ban("a", 60.0, 0.0)
    walk = a_walk(bans, a_route([best], [other]), attempts=0)
    assert walk.next(None, 1.0) == (0.0, other)
    assert walk.next(DOWN, 1.0) is None


def test_where_all_are_banned_the_one_whose_ban_ends_first_is_tried_once() -> None:
    bans, late, soon = some_bans("a", "b", default=AT_ONCE), a_backend("a"), a_backend("b")
    bans.note(soon, DOWN, 0.0)
    bans.note(late, DOWN, 5.0)
    walk = a_walk(bans, a_route([late], [soon]), attempts=5)
    assert walk.next(None, 10.0) == (0.0, soon)
    assert walk.next(DOWN, 11.0) is None
    assert bans.ends(soon, 11.0) == 60.0, "which makes its ban no longer"


def test_an_answer_of_a_backend_that_was_asked_in_spite_of_its_ban_ends_it() -> None:
    bans, only = some_bans("a", default=AT_ONCE), a_backend("a")
    bans.note(only, DOWN, 0.0)
    walk = a_walk(bans, a_route([only]))
    walk.next(None, 1.0)
    walk.next(ANSWERED, 2.0)
    assert not bans.holds(only, 2.0)


def test_nobody_passes_by_a_ban_by_hand() -> None:
    bans = some_bans("a")
    bans.ban("a", 60.0, 0.0)
    walk = a_walk(bans, a_route([a_backend("a")]))
    assert walk.next(None, 1.0) is None
    assert walk.outcome.failure is not None
    assert walk.outcome.failure.code == "no_backend"


def test_fallbacks_answer_for_a_model_that_is_banned() -> None:
    bans, own, other = some_bans("a", "b"), a_backend("a"), a_backend("b")
    bans.ban("a", 60.0, 0.0)
    walk = a_walk(bans, a_route([own], fallbacks=("n",)), a_route([other], name="n"))
    assert walk.next(None, 1.0) == (0.0, other)


def test_one_request_at_a_time_tries_a_backend_whose_ban_is_over() -> None:
    bans, best, other = some_bans("a", "b", default=AT_ONCE), a_backend("a"), a_backend("b")
    bans.note(best, DOWN, 0.0)
    route = a_route([best], [other])
    assert first_of(bans, route, 59.0) is other
    assert first_of(bans, route, 60.0) is best
    assert first_of(bans, route, 60.0) is other


def test_an_answer_is_noted_only_while_something_has_failed() -> None:
    bans, backend = some_bans("a"), a_backend("a")
    bans.note(backend, DOWN, 0.0)
    walk = a_walk(bans, a_route([backend]))
    walk.next(None, 1.0)
    walk.next(ANSWERED, 1.0)
    assert bans.standings == {}
