"""Limits over four replicas, minutes of them, with time in the test's hand."""

from __future__ import annotations

import pytest

from airouter.config.snapshot import Limits
from support.replicas import Replicas, a_chat

RPM = Limits(rpm=600)


async def test_tokens_of_long_answers_are_within_two_percent_of_what_one_lets_through() -> None:
    limits = Limits(tpm=60_000)
    settled = []
    for replicas, names in (
        (Replicas(limits, shared=False), "a"),
        (Replicas(limits, off=30.0), "abcd"),
    ):
        await replicas.settle()
        settled.append(await replicas.tokens(names, 400, longest=3.0))
    assert settled[1].most_in_a_minute <= 60_000 * 1.02
    assert settled[1].least_in_five_minutes >= 0.98 * settled[0].least_in_five_minutes


async def test_a_ledger_that_is_gone_for_minutes_never_lets_more_through() -> None:
    replicas = Replicas(RPM, off=30.0)
    await replicas.settle()
    await replicas.demand("all", 63)
    replicas.ledger.is_up = False
    await replicas.demand("all", 180)
    alone = [at for at in replicas.admitted if at > replicas.time.now - 90]
    assert len(alone) >= 560  # by the shares, which are almost a quarter each
    replicas.ledger.is_up = True
    await replicas.demand("all", 130)
    assert replicas.most_in_a_minute() <= 600
    assert replicas.lately() >= 582


@pytest.mark.parametrize("outage", [2, 100])
async def test_a_ledger_that_loses_its_memory_never_lets_more_through(outage: int) -> None:
    replicas = Replicas(RPM, off=30.0)
    await replicas.settle()
    await replicas.demand("all", 64)
    replicas.ledger.is_up = False
    await replicas.demand("moving", outage)
    replicas.ledger.forget()
    replicas.ledger.is_up = True
    await replicas.demand("moving", 150)
    assert replicas.most_in_a_minute() <= 600
    assert replicas.lately() >= 582


@pytest.mark.parametrize("seconds", [1, 20])
async def test_a_ledger_that_goes_back_to_an_old_copy_never_lets_more_through(seconds: int) -> None:
    replicas = Replicas(RPM, off=30.0)
    await replicas.settle()
    await replicas.demand("all", 30)
    copied = replicas.ledger.copy()
    await replicas.demand("moving", seconds)
    replicas.ledger.go_back(copied)
    await replicas.demand("moving", 130)
    assert replicas.most_in_a_minute() <= 600
    assert replicas.lately() >= 582


@pytest.mark.parametrize("after", [2.0, 30.0, 58.0, 63.0])
async def test_a_ledger_that_pauses_and_then_takes_old_messages_never_lets_more_through(
    after: float,
) -> None:
    replicas = Replicas(RPM, off=30.0)
    await replicas.settle()
    await replicas.demand("all", after)
    replicas.ledger.is_paused = True
    await replicas.demand("all", 5)
    await replicas.ledger.go_on()
    await replicas.demand("moving", 130)
    assert replicas.most_in_a_minute() <= 600


async def test_replicas_that_die_and_others_that_come_never_let_more_through() -> None:
    replicas = Replicas(RPM, off=30.0)
    await replicas.settle()
    for name, seconds in (("e", 3), ("f", 30), ("g", 29), ("h", 70)):
        await replicas.demand("all", seconds)
        replicas.kill(min(replicas.pods))
        replicas.add(name)
    replicas.ledger.is_up = False
    await replicas.demand("all", 140)
    replicas.ledger.is_up = True
    await replicas.demand("moving", 70)
    assert replicas.most_in_a_minute() <= 600


async def test_a_replica_that_is_cut_off_alone_never_lets_more_through_with_the_others() -> None:
    replicas = Replicas(RPM, off=30.0)
    await replicas.settle()
    await replicas.demand("all", 61)
    replicas.cut_off("a")
    await replicas.demand("all", 200)
    replicas.reconnect("a")
    await replicas.demand("all", 100)
    assert replicas.most_in_a_minute() <= 600
    assert replicas.lately() >= 582


async def test_a_replica_that_never_reached_a_ledger_has_a_hundredth_after_a_minute() -> None:
    for limit, expected in ((600, 6), (99, 0)):
        replicas = Replicas(Limits(rpm=limit))
        replicas.ledger.is_up = False
        await replicas.advance(62)
        assert await replicas.ask("a") is None
        await replicas.advance(2)
        assert sum([await replicas.ask("a") is not None for _ in range(20)]) == expected


async def test_requests_in_flight_keep_their_places_over_three_minutes_without_a_ledger() -> None:
    replicas = Replicas(Limits(max_concurrent=10), off=30.0)
    await replicas.settle()
    assert all([await replicas.ask("a") for _ in range(6)])
    await replicas.advance(2.5)
    assert all([await replicas.ask("b") for _ in range(4)])
    replicas.ledger.is_up = False
    await replicas.advance(40)
    assert [await replicas.ask(name) for name in "abcd"] == [None] * 4
    await replicas.advance(5)
    replicas.ledger.is_up = True
    for _ in range(30):
        await replicas.advance(0.5)
        assert [await replicas.ask(name) for name in "abcd"] == [None] * 4


async def test_demand_that_moves_is_followed_within_two_seconds() -> None:
    replicas = Replicas(Limits(rpm=60))
    await replicas.settle()
    for _ in range(10):
        assert await replicas.ask("a")
        await replicas.advance(0.1)
    for _ in range(20):
        await replicas.ask("b")
        await replicas.advance(0.1)
    assert sum([await replicas.ask("b") is not None for _ in range(60)]) + 20 == 50


async def test_a_request_that_is_too_large_keeps_no_smaller_one_from_what_is_left() -> None:
    replicas = Replicas(Limits(tpm=1_000))
    await replicas.settle()
    first = await replicas.ask("a", a_chat(max_tokens=700))
    assert first is not None
    first.settle(100, 800)
    await replicas.advance(2)
    assert await replicas.ask("a", a_chat(max_tokens=300)) is None
    assert await replicas.ask("a", a_chat(messages="x", max_tokens=5)) is not None


async def test_a_replica_that_is_started_again_in_its_place_takes_over_its_share() -> None:
    replicas = Replicas(RPM, off=30.0)
    await replicas.settle()
    for _ in range(3):
        await replicas.demand("all", 20)
        replicas.kill("b")
        replicas.add("b")
    await replicas.demand("all", 70)
    assert replicas.most_in_a_minute() <= 600
    assert replicas.lately() >= 582
