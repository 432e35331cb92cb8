"""Choosing backends and trying again, with chance and time in the test's hand."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from airouter.config.snapshot import Model, Retries
from airouter.failures import Failure
from airouter.routing.catalog import Backend, Catalog, Load, Route, Tier, by_name
from airouter.routing.fail2ban import NoBans
from airouter.routing.retry import RESERVE, Budget, Tries
from airouter.routing.selection import Selection

Node = Backend[None]


def backend(name: str, weight: int = 1) -> Node:
    return Backend(name, f"{name}-model", weight, Load(), None)


def route(*tiers: list[Node], name: str = "m", **model: object) -> Route[None]:
    return Route(Model(name=name, **model), [Tier(tier) for tier in tiers])  # type: ignore[arg-type]


def selection(seed: int = 1) -> Selection:
    return Selection(NoBans(), Random(seed))


def tries(
    subject: Route[None], first: Node, budget: Budget | None = None, **policy: object
) -> Tries[None]:
    return Tries(
        subject,
        first,
        Retries(**policy),  # type: ignore[arg-type]
        selection=selection(),
        budget=budget or Budget(),
        random=Random(1),
    )


def test_an_idle_router_keeps_the_declared_shares() -> None:
    subject = route([backend("a", 3), backend("b", 1)])
    chooser = selection()
    counts = Counter(chooser.choose(subject, 0.0).credential for _ in range(10_000))  # type: ignore[union-attr]
    assert counts["a"] / 10_000 == pytest.approx(0.75, abs=0.02)


def test_a_busy_backend_is_leant_away_from() -> None:
    busy, idle = backend("busy"), backend("idle")
    busy.load.in_flight = 10
    subject, chooser = route([busy, idle]), selection()
    counts = Counter(chooser.choose(subject, 0.0).credential for _ in range(1_000))  # type: ignore[union-attr]
    assert counts["idle"] > 700


def test_load_is_counted_for_each_unit_of_weight() -> None:
    heavy, light = backend("heavy", 10), backend("light", 1)
    heavy.load.in_flight, light.load.in_flight = 5, 1
    subject, chooser = route([heavy, light]), selection()
    counts = Counter(chooser.choose(subject, 0.0).credential for _ in range(1_000))  # type: ignore[union-attr]
    assert counts["heavy"] > 900


def test_the_next_tier_is_asked_only_when_the_first_has_nothing() -> None:
    best, worse = backend("best"), backend("worse")
    subject, chooser = route([best], [worse]), selection()
    assert chooser.choose(subject, 0.0) is best
    assert chooser.choose(subject, 0.0, [best]) is worse
    assert chooser.choose(subject, 0.0, [best, worse]) is None
    assert chooser.choose(route(), 0.0) is None


def test_a_backend_that_asked_for_rest_is_a_last_resort() -> None:
    resting, later, awake = backend("resting"), backend("later"), backend("awake")
    resting.rest(10.0)
    later.rest(20.0)
    chooser = selection()
    assert chooser.choose(route([resting], [awake]), 5.0) is awake
    assert chooser.choose(route([later], [resting]), 5.0) is resting
    assert chooser.choose(route([resting], [awake]), 10.0) is resting


def test_a_banned_backend_is_never_chosen() -> None:
    class BanAll(NoBans):
        def holds(self, backend: object) -> bool:
            return True

    assert Selection(BanAll(), Random(1)).choose(route([backend("a")]), 0.0) is None


def test_a_retry_goes_to_another_backend_at_once_and_then_around_again_after_a_pause() -> None:
    first, second = backend("first"), backend("second")
    again = tries(route([first, second]), first, attempts=2, backoff_initial=0.5)
    assert again.next(0.0, same=True) == (0.0, second)
    following = again.next(0.0, same=True)
    assert following is not None
    assert 0.0 < following[0] <= 0.5
    assert again.next(0.0, same=True) is None


def test_pauses_double_up_to_their_bound() -> None:
    only = backend("only")
    again = tries(route([only]), only, attempts=50, backoff_initial=0.1, backoff_max=0.4)
    pauses = [following[0] for _ in range(9) if (following := again.next(0.0, same=True))]
    assert len(pauses) == 9
    assert max(pauses) <= 0.4
    assert max(pauses[2:]) > 0.2


def test_retry_after_stretches_the_pause() -> None:
    only = backend("only")
    only.rest(11.5)
    assert tries(route([only]), only, backoff_max=2.0).next(10.0, same=True) == (1.5, only)


def test_a_longer_retry_after_than_the_longest_pause_ends_it() -> None:
    only = backend("only")
    only.rest(20.0)
    assert tries(route([only]), only, backoff_max=2.0).next(10.0, same=True) is None


def test_a_backend_whose_key_is_refused_is_not_asked_again() -> None:
    only = backend("only")
    assert tries(route([only]), only).next(0.0, same=False) is None


def test_no_attempts_means_no_attempts() -> None:
    first, second = backend("first"), backend("second")
    assert tries(route([first, second]), first, attempts=0).next(0.0, same=True) is None


def test_retries_are_a_share_of_the_requests_above_a_reserve() -> None:
    budget = Budget()
    assert sum(budget.withdraw() for _ in range(100)) == RESERVE
    for _ in range(100):
        budget.deposit(20.0)
    assert sum(budget.withdraw() for _ in range(100)) in {19, 20}
    for _ in range(100_000):
        budget.deposit(100.0)
    assert sum(budget.withdraw() for _ in range(1_000)) <= 10 * RESERVE + 1


def test_an_empty_budget_ends_it() -> None:
    first, second = backend("first"), backend("second")
    budget = Budget()
    while budget.withdraw():
        pass
    assert tries(route([first, second]), first, budget).next(0.0, same=True) is None


def test_a_model_is_found_by_name_and_alias_and_knows_its_fallbacks() -> None:
    one = route(name="one", aliases=("uno", "two"), fallbacks=("two", "gone"))
    two = route(name="two")
    made = {"one": one, "two": two}
    catalog = Catalog(by_name([one.model, two.model]), lambda model: made[model.name])
    assert catalog.resolve("uno") is one
    assert catalog.resolve("two") is two
    assert list(catalog.fallbacks_of(one)) == [two]
    with pytest.raises(Failure, match="'three' does not exist"):
        catalog.resolve("three")


def test_a_route_is_made_when_its_model_is_first_asked_for_and_only_then() -> None:
    made: list[str] = []

    def make(model: Model) -> Route[str]:
        made.append(model.name)
        return Route(model, [])

    models = [route(name="one", aliases=("uno",)).model, route(name="two").model]
    catalog = Catalog(by_name(models), make)
    assert made == []
    assert catalog.resolve("uno") is catalog.resolve("one") is catalog.resolve("uno")
    assert made == ["one"]
