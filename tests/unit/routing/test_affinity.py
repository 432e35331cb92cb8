"""Conversations that stay with a backend, over several replicas that never talk."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, deque
from random import Random

import pytest

from airouter.config.snapshot import Retries
from airouter.routing.affinity import BOUND, SLACK, StickyConversation, first_choice, rank
from airouter.routing.catalog import Catalog, Route
from airouter.routing.selection import Selection
from airouter.routing.walk import Failover, Walk
from support.routes import Node, a_backend, a_route, selection, some_bans

KEYS = [b"conversation %d" % number for number in range(1_000)]
NAMES = "abcde"
IN_FLIGHT = 50
"""Requests at the same time at each replica."""


def nodes(*weights: int) -> list[Node]:
    return [a_backend(name, weight) for name, weight in zip(NAMES, weights, strict=False)]


def chosen(chooser: Selection, route: Route[None], key: bytes) -> Node:
    backend = chooser.choose(route, 0.0, (), StickyConversation(key))
    assert backend is not None
    return backend


def homes(backends: list[Node]) -> dict[bytes, str]:
    """Where each conversation is at home, while nobody asks anything."""
    return {key: first_choice(key, backends).credential for key in KEYS}


def test_conversations_stay_where_they_were_and_the_load_is_shared() -> None:
    """1,000 conversations of 10 turns, in any order, each turn at any of 4 replicas."""
    random = Random(7)
    replicas = [(selection(seed), a_route(nodes(1, 1, 1, 1, 1))) for seed in range(4)]
    under_way: list[deque[Node]] = [deque() for _ in replicas]
    first: dict[bytes, str] = {}
    stayed, load = 0, Counter[str]()
    turns = KEYS * 10
    random.shuffle(turns)
    for key in turns:
        at = random.randrange(len(replicas))
        backend = chosen(*replicas[at], key)
        stayed += first.setdefault(key, backend.credential) == backend.credential
        load[backend.credential] += 1
        backend.load.in_flight += 1
        under_way[at].append(backend)
        if len(under_way[at]) > IN_FLIGHT:
            under_way[at].popleft().load.in_flight -= 1
    assert stayed / len(turns) >= 0.95
    assert max(load.values()) <= 1.25 * len(turns) / len(NAMES)


def test_of_a_backend_that_is_lost_only_its_own_conversations_move() -> None:
    backends = nodes(1, 1, 1, 1, 1)
    before, after = homes(backends), homes(backends[1:])
    moved = {key for key in KEYS if before[key] != after[key]}
    assert moved == {key for key in KEYS if before[key] == "a"}
    assert len({after[key] for key in moved}) == 4, "and they go to all the others"


def test_conversations_come_back_to_a_backend_that_recovers() -> None:
    best, other = a_backend("a"), a_backend("b")
    route, chooser = a_route([best, other]), selection()
    key = next(key for key in KEYS if chosen(chooser, route, key) is best)
    best.begin_rest().ask(0.0, 10.0)
    assert chooser.choose(route, 5.0, (), StickyConversation(key)) is other
    assert chooser.choose(route, 10.0, (), StickyConversation(key)) is best


def test_a_banned_backend_is_left_by_its_conversations() -> None:
    best, other = a_backend("a"), a_backend("b")
    bans = some_bans("a", "b")
    route, chooser = a_route([best, other]), Selection(bans, Random(1))
    key = next(key for key in KEYS if chosen(chooser, route, key) is best)
    bans.ban("a", 60.0, 0.0)
    assert chosen(chooser, route, key) is other


def test_a_heavier_backend_has_more_conversations() -> None:
    shares = Counter(homes(nodes(3, 1)).values())
    assert shares["a"] / len(KEYS) == pytest.approx(0.75, abs=0.03)


def test_a_greater_weight_takes_conversations_and_gives_none_away() -> None:
    before, after = homes(nodes(1, 1, 1)), homes(nodes(2, 1, 1))
    assert {after[key] for key in KEYS if before[key] != after[key]} == {"a"}


def test_a_single_conversation_never_fills_a_backend() -> None:
    """All requests of one key: each goes where there is room."""
    backends, key = nodes(2, 1, 1, 1), KEYS[0]
    route, chooser = a_route(backends), selection()
    for number in range(1, 501):
        backend = chosen(chooser, route, key)
        backend.load.in_flight += 1
        share = number * backend.weight / 5
        assert backend.load.in_flight <= BOUND * share + SLACK


def test_the_place_of_a_conversation_is_the_same_in_every_process() -> None:
    code = (
        "from airouter.routing.affinity import rank\n"
        "from support.routes import a_backend\n"
        f"print(repr(rank({KEYS[0]!r}, a_backend('a'))))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "1"},
        capture_output=True,
        check=True,
        text=True,
        timeout=180,
    )
    assert float(told.stdout) == rank(KEYS[0], a_backend("a"))


def test_the_tier_comes_before_the_conversation() -> None:
    best, others = a_backend("a"), [a_backend(name) for name in "bcd"]
    route, chooser = a_route([best], others), selection()
    assert {chosen(chooser, route, key) for key in KEYS} == {best}
    assert not a_route([best], [others[0]]).several
    assert route.several


def test_a_walk_goes_on_with_the_next_backend_of_its_conversation() -> None:
    route = a_route(nodes(1, 1, 1))
    catalog: Catalog[None] = Catalog({}, lambda model: route)
    failover = Failover(some_bans(*NAMES), Random(1))
    ranked = sorted(route.backends, key=lambda backend: rank(KEYS[0], backend), reverse=True)
    walk = Walk(failover, route, Retries(), catalog, StickyConversation(KEYS[0]))
    step = walk.next(None, 0.0)
    assert step is not None
    assert step[1] is ranked[0]
    assert walk.spare(step[1], 0.0) is ranked[1]
