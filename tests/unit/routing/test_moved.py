"""Conversations that had to move, with time and faults in the test's hand."""

from __future__ import annotations

from random import Random

import pytest

from airouter.config.snapshot import Retries
from airouter.failures import upstream_failed
from airouter.routing.affinity import StickyConversation, first_choice
from airouter.routing.catalog import Catalog, Route, by_name
from airouter.routing.fail2ban import Bans
from airouter.routing.moved import MovedConversations
from airouter.routing.outcome import ANSWERED, AttemptOutcome, Retry
from airouter.routing.walk import Failover, Walk
from support.routes import Node, a_backend, a_route

KEY = b"conversation"
TTL = 600.0
UNREACHABLE = AttemptOutcome(upstream_failed("connect_error", ""), Retry.ANYWHERE)


def a_failover() -> Failover:
    return Failover(Bans(), Random(1))


def four() -> list[Node]:
    """Backends, the home of the conversation first."""
    backends = [a_backend(name) for name in "abcd"]
    return sorted(backends, key=lambda backend: backend is not first_choice(KEY, backends))


def a_turn(
    failover: Failover,
    route: Route[None],
    now: float,
    *outcomes: AttemptOutcome,
    key: bytes = KEY,
    ttl: float = TTL,
    others: tuple[Route[None], ...] = (),
) -> Node:
    """Ask, once for each outcome and then with success; return the backend that answered."""
    routes = {each.name: each for each in (route, *others)}
    models = by_name([each.model for each in routes.values()])
    catalog = Catalog(models, lambda model: routes[model.name])
    walk = Walk(failover, route, Retries(), catalog, StickyConversation(key, ttl))
    step = walk.next(None, now)
    for outcome in outcomes:
        step = walk.next(outcome, now)
    assert step is not None
    assert walk.next(ANSWERED, now) is None
    return step[1]


def test_a_conversation_stays_where_it_was_answered_when_its_home_is_well_again() -> None:
    home, *others = backends = four()
    failover, route = a_failover(), a_route(backends)
    home.begin_rest().ask(0.0, 10.0)
    refuge = a_turn(failover, route, 5.0)
    assert refuge in others
    assert a_turn(failover, route, 20.0) is refuge


def test_a_conversation_stays_where_an_attempt_went_after_its_home_had_failed() -> None:
    failover, route = a_failover(), a_route(four())
    refuge = a_turn(failover, route, 0.0, UNREACHABLE)
    assert a_turn(failover, route, 100.0) is refuge


def test_each_turn_renews_the_time_and_a_longer_silence_ends_it() -> None:
    home, *_ = backends = four()
    failover, route = a_failover(), a_route(backends)
    refuge = a_turn(failover, route, 0.0, UNREACHABLE)
    for turn in range(1, 5):
        assert a_turn(failover, route, turn * (TTL - 1.0)) is refuge
    assert a_turn(failover, route, 4 * (TTL - 1.0) + TTL) is home
    assert len(failover.selection.moved) == 0, "it is at home"


def test_no_time_has_it_go_back_at_once() -> None:
    home, *_ = backends = four()
    failover, route = a_failover(), a_route(backends)
    a_turn(failover, route, 0.0, UNREACHABLE, ttl=0.0)
    assert a_turn(failover, route, 100.0, ttl=0.0) is home


def test_a_refuge_that_fails_is_left_and_the_next_one_is_remembered() -> None:
    failover, route = a_failover(), a_route(four())
    first = a_turn(failover, route, 0.0, UNREACHABLE)
    first.begin_rest().ask(100.0, 10.0)
    second = a_turn(failover, route, 101.0, UNREACHABLE)
    assert second is not first
    assert a_turn(failover, route, 200.0) is second


def test_a_refuge_that_is_full_takes_no_more_than_its_share() -> None:
    failover, route = a_failover(), a_route(four())
    refuge = a_turn(failover, route, 0.0, UNREACHABLE)
    refuge.load.in_flight = 50
    assert a_turn(failover, route, 1.0) is not refuge


def test_a_conversation_that_is_full_at_home_stays_where_there_was_room() -> None:
    home, *_ = backends = four()
    failover, route = a_failover(), a_route(backends)
    home.load.in_flight = 50
    refuge = a_turn(failover, route, 0.0)
    home.load.in_flight = 0
    assert refuge is not home
    assert a_turn(failover, route, 1.0) is refuge


def test_nothing_is_remembered_of_a_conversation_at_home() -> None:
    failover, route = a_failover(), a_route(four())
    for number in range(100):
        a_turn(failover, route, 0.0, key=b"%d" % number)
    assert len(failover.selection.moved) == 0


def test_a_better_tier_goes_before_the_cache_of_a_worse_one() -> None:
    best, *spares = four()
    failover, route = a_failover(), a_route([best], spares)
    assert a_turn(failover, route, 0.0, UNREACHABLE) in spares
    assert a_turn(failover, route, 100.0) is best


def test_a_model_goes_before_its_fallback_that_answered() -> None:
    home, *others = four()
    failover = a_failover()
    fallback = a_route(others, name="n")
    route = a_route([home, a_backend("e")], fallbacks=("n",))
    step = a_turn(failover, route, 0.0, UNREACHABLE, UNREACHABLE, others=(fallback,))
    assert step in others
    assert a_turn(failover, route, 100.0, others=(fallback,)) in route.backends


def test_another_model_of_the_same_conversation_has_a_place_of_its_own() -> None:
    home, *_ = backends = four()
    failover = a_failover()
    a_turn(failover, a_route(backends), 0.0, UNREACHABLE)
    assert a_turn(failover, a_route(backends, name="n"), 100.0) is home


@pytest.mark.parametrize("most", [1, 10])
def test_the_ones_that_were_answered_longest_ago_are_forgotten_first(most: int) -> None:
    moved, backends = MovedConversations(most), four()
    route = a_route(backends)
    conversations = [StickyConversation(b"%d" % number, TTL) for number in range(100)]
    for at, each in enumerate(conversations):
        away = next(one for one in backends if one is not first_choice(each.key, backends))
        moved.note_answer(each, route, away, float(at))
    assert len(moved) == most
    placed = [moved.place(each, "m", backends, backends, 100.0) for each in conversations]
    stayed = [
        backend is not first_choice(each.key, backends)
        for each, backend in zip(conversations, placed, strict=True)
    ]
    assert stayed == [False] * (100 - most) + [True] * most


def test_those_whose_time_is_over_are_let_go_of_when_others_come() -> None:
    moved, backends = MovedConversations(), four()
    route = a_route(backends)
    for number in range(100):
        each = StickyConversation(b"%d" % number, TTL)
        away = next(one for one in backends if one is not first_choice(each.key, backends))
        moved.note_answer(each, route, away, 0.0 if number < 50 else 2 * TTL)
    assert len(moved) == 50
