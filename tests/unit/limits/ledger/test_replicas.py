"""Limits over four replicas, minutes of them, with time in the test's hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from airouter.config.snapshot import Limits
from airouter.limits import Permit
from airouter.limits.ledger.redis import RedisLedger
from support.redis_server import redis_server
from support.replicas import PATIENCE, Replicas

RPM = Limits(rpm=600)


@pytest.mark.parametrize("where", ["one", "all", "moving"])
async def test_no_minute_has_more_than_allowed_and_no_five_minutes_many_fewer(where: str) -> None:
    replicas = Replicas(RPM, off=30.0)
    await replicas.settle()
    await replicas.demand(where, 420)
    assert replicas.most_in_a_minute() <= 600
    assert replicas.least_in_five_minutes(replicas.time.now) >= 2_910


async def test_a_real_redis_keeps_the_same_limit(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        replicas = Replicas(RPM, RedisLedger(server.url, timeout=PATIENCE), off=30.0)
        await replicas.settle()
        await replicas.demand("all", 70)
        assert replicas.most_in_a_minute() <= 600
        assert len(replicas.admitted) > 1_150
        await replicas.ledger.close()


async def tokens_settled(replicas: Replicas, names: str, longest: float) -> tuple[int, int]:
    """The most tokens of any minute, and the least of any five, of fifty requests a second."""
    await replicas.settle()
    settled: list[tuple[float, int]] = []
    running: list[tuple[float, Permit]] = []
    until = replicas.time.now + 400
    while replicas.time.now < until:
        permit = await replicas.ask(replicas.random.choice(names))
        if permit is not None:
            running.append((replicas.time.now + replicas.random.uniform(0.01, longest), permit))
        for done in [each for each in running if each[0] <= replicas.time.now]:
            running.remove(done)
            tokens_out = replicas.random.randint(20, 180)
            done[1].settle(100, tokens_out)
            settled.append((replicas.time.now, 100 + tokens_out))
        await replicas.advance(0.02)
    most = max(sum(n for then, n in settled if at <= then < at + 60) for at, _ in settled)
    begins = [at for at, _ in settled if at + 300 <= until]
    return most, min(sum(n for then, n in settled if at <= then < at + 300) for at in begins)


@pytest.mark.parametrize("longest", [0.05, 3.0])
async def test_tokens_of_replicas_are_within_two_percent_of_what_one_lets_through(
    longest: float,
) -> None:
    limits = Limits(tpm=60_000)
    _, least_of_one = await tokens_settled(Replicas(limits, shared=False), "a", longest)
    most, least = await tokens_settled(Replicas(limits, off=30.0), "abcd", longest)
    assert most <= 60_000 * 1.02
    assert least >= least_of_one * 0.98


async def test_never_one_more_request_at_the_same_time_than_allowed() -> None:
    replicas = Replicas(Limits(max_concurrent=10), off=30.0)
    await replicas.settle()
    running: list[tuple[float, Permit]] = []
    busy = 0
    for _ in range(12_000):
        permit = await replicas.ask(replicas.random.choice("abcd"))
        if permit is not None:
            running.append((replicas.time.now + replicas.random.uniform(0.05, 1), permit))
        assert len(running) <= 10
        busy += len(running)
        await replicas.advance(0.01)
        for done in [each for each in running if each[0] <= replicas.time.now]:
            running.remove(done)
            done[1].settle(1, 1)
    assert busy / 12_000 > 7


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
    assert len([at for at in replicas.admitted if at > replicas.time.now - 61]) >= 582


@pytest.mark.parametrize("outage", [2, 100])
async def test_a_ledger_that_loses_its_memory_never_lets_more_through(outage: int) -> None:
    replicas = Replicas(RPM, off=30.0)
    await replicas.settle()
    await replicas.demand("all", 64)
    replicas.ledger.is_up = False
    await replicas.demand("moving", outage)
    replicas.ledger.lose_memory()
    replicas.ledger.is_up = True
    await replicas.demand("moving", 150)
    assert replicas.most_in_a_minute() <= 600
    assert len([at for at in replicas.admitted if at > replicas.time.now - 61]) >= 582


@pytest.mark.parametrize("after", [2.0, 30.0, 58.0, 63.0])
async def test_a_ledger_that_pauses_and_then_takes_old_messages_never_lets_more_through(
    after: float,
) -> None:
    replicas = Replicas(RPM, off=30.0)
    await replicas.settle()
    await replicas.demand("all", after)
    replicas.ledger.is_paused = True
    await replicas.demand("all", 5)
    replicas.ledger.go_on()
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
    assert len([at for at in replicas.admitted if at > replicas.time.now - 61]) >= 582


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


async def test_three_minutes_without_a_ledger_are_no_reason_for_one_more_at_the_same_time() -> None:
    replicas = Replicas(Limits(max_concurrent=10), off=30.0)
    await replicas.settle()
    running: list[tuple[float, Permit]] = []
    began, alone = replicas.time.now, 0
    for at in range(1_600):
        replicas.ledger.is_up = not 150 < at < 1_050  # three minutes of them
        permit = await replicas.ask(replicas.random.choice("abcd"))
        if permit is not None:
            running.append((replicas.time.now + replicas.random.uniform(0.5, 20), permit))
            alone += 100 < replicas.time.now - began < 200
        assert len(running) <= 10
        await replicas.advance(0.2)
        for done in [each for each in running if each[0] <= replicas.time.now]:
            running.remove(done)
            done[1].settle(1, 1)
    assert alone > 20


async def test_a_replica_that_is_started_again_in_its_place_takes_over_its_share() -> None:
    replicas = Replicas(RPM, off=30.0)
    await replicas.settle()
    for _ in range(3):
        await replicas.demand("all", 20)
        replicas.kill("b")
        replicas.add("b")
    await replicas.demand("all", 70)
    assert replicas.most_in_a_minute() <= 600
    assert len([at for at in replicas.admitted if at > replicas.time.now - 61]) >= 582
