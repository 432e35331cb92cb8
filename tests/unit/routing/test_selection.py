"""The choice among backends, with chance in the test's hand."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from airouter.routing.selection import Selection
from support.routes import a_backend, a_route, selection, some_bans


def test_an_idle_router_keeps_the_declared_shares() -> None:
    subject = a_route([a_backend("a", 3), a_backend("b", 1)])
    chooser = selection()
    counts = Counter(chooser.choose(subject, 0.0).credential for _ in range(10_000))  # type: ignore[union-attr]
    assert counts["a"] / 10_000 == pytest.approx(0.75, abs=0.02)


def test_a_busy_backend_is_leant_away_from() -> None:
    busy, idle = a_backend("busy"), a_backend("idle")
    busy.load.in_flight = 10
    subject, chooser = a_route([busy, idle]), selection()
    counts = Counter(chooser.choose(subject, 0.0).credential for _ in range(1_000))  # type: ignore[union-attr]
    assert counts["idle"] > 700


def test_load_is_counted_for_each_unit_of_weight() -> None:
    heavy, light = a_backend("heavy", 10), a_backend("light", 1)
    heavy.load.in_flight, light.load.in_flight = 5, 1
    subject, chooser = a_route([heavy, light]), selection()
    counts = Counter(chooser.choose(subject, 0.0).credential for _ in range(1_000))  # type: ignore[union-attr]
    assert counts["heavy"] > 900


def test_the_next_tier_is_asked_only_when_the_first_has_nothing() -> None:
    best, worse = a_backend("best"), a_backend("worse")
    subject, chooser = a_route([best], [worse]), selection()
    assert chooser.choose(subject, 0.0) is best
    assert chooser.choose(subject, 0.0, [best]) is worse
    assert chooser.choose(subject, 0.0, [best, worse]) is None
    assert chooser.choose(a_route(), 0.0) is None


def test_a_backend_that_rests_is_passed_over_until_its_rest_is_over() -> None:
    resting, later, awake = a_backend("resting"), a_backend("later"), a_backend("awake")
    resting.begin_rest().ask(0.0, 10.0)
    later.begin_rest().ask(0.0, 20.0)
    chooser = selection()
    assert chooser.choose(a_route([resting], [awake]), 5.0) is awake
    assert chooser.choose(a_route([later], [resting]), 5.0) is None
    assert chooser.first_to_wake([later, resting], 5.0) is resting
    assert chooser.choose(a_route([resting], [awake]), 10.0) is resting


def test_a_banned_backend_is_not_chosen() -> None:
    bans, backend = some_bans("a", "b"), a_backend("a")
    bans.ban("a", 10.0, 0.0)
    chooser = Selection(bans, Random(1))
    assert chooser.choose(a_route([backend]), 9.0) is None
    assert chooser.first_to_wake([backend], 9.0) is None
    assert chooser.choose(a_route([backend]), 10.0) is backend


def test_a_provider_that_says_that_nothing_is_left_is_passed_over_until_there_is() -> None:
    empty, other = a_backend("empty"), a_backend("other")
    route = a_route([empty, other])
    empty.load.headroom[empty.upstream_name] = (0.0, 10.0)
    chooser = selection()
    assert {chooser.choose(route, 9.9) for _ in range(20)} == {other}
    assert {chooser.choose(route, 10.0) for _ in range(20)} == {empty, other}


def test_a_provider_that_has_little_left_is_spared() -> None:
    scarce, other = a_backend("scarce"), a_backend("other")
    scarce.load.headroom[scarce.upstream_name] = (0.05, 60.0)
    chooser = selection()
    chosen = [chooser.choose(a_route([scarce, other]), 0.0) for _ in range(1_000)]
    assert 150 < chosen.count(scarce) < 350  # only where it is drawn twice
