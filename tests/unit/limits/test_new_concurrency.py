"""A `maxConcurrent` that a reload adds to a name with other limits counts what is in flight."""

from __future__ import annotations

import pytest

from airouter.config.snapshot import Auth, ClientKey, Limits, Model, Snapshot
from airouter.failures import Failure
from airouter.limits import Limiter, Permit
from support.replicas import CHAT, TEAM, Replicas

RPM = Limits(rpm=1_000)
THREE = Limits(rpm=1_000, max_concurrent=3)


def reload(limiter: Limiter, limits: Limits) -> None:
    """Set the limits of a client."""
    auth = Auth(clients=(ClientKey("team", "00" * 32, limits=limits),))
    limiter.reload(Snapshot(models=(Model("m"),), auth=auth))


def let_through(limiter: Limiter) -> list[Permit]:
    """Requests until one is refused, ten at most."""
    permits: list[Permit] = []
    try:
        while len(permits) < 10:
            permits.append(limiter.reserve(TEAM, "m", CHAT))
    except Failure:
        pass
    return permits


@pytest.mark.parametrize("former", [RPM, Limits(tpm=1_000_000)])
def test_requests_that_were_in_flight_have_their_places(former: Limits) -> None:
    limiter = Limiter(lambda: 100.0)
    reload(limiter, former)
    running = [limiter.reserve(TEAM, "m", CHAT) for _ in range(2)]
    reload(limiter, THREE)
    assert len(let_through(limiter)) == 1
    running[0].settle(1, 1)
    running[1].give_back()
    assert len(let_through(limiter)) == 2


def test_a_limit_that_was_taken_away_for_a_while_counts_all_that_began_meanwhile() -> None:
    limiter = Limiter(lambda: 100.0)
    reload(limiter, THREE)
    running = let_through(limiter)
    reload(limiter, RPM)
    running += [limiter.reserve(TEAM, "m", CHAT) for _ in range(2)]
    reload(limiter, THREE)
    for permit in running[:2]:
        permit.settle(1, 1)
        assert not let_through(limiter)
    running[2].settle(1, 1)
    assert len(let_through(limiter)) == 1


async def test_replicas_tell_their_ledger_of_what_is_in_flight() -> None:
    replicas = Replicas(RPM)
    await replicas.settle()
    running = [await replicas.pods["a"].ask() for _ in range(2)]
    running += [await replicas.pods["b"].ask()]
    for pod in replicas.pods.values():
        pod.reload(Limits(rpm=1_000, max_concurrent=5))
    await replicas.advance(2)
    asked = [await pod.ask() for _ in range(5) for pod in replicas.pods.values()]
    assert len([each for each in asked if each is not None]) == 2
    for permit in running:
        assert permit is not None
        permit.settle(1, 1)
    await replicas.advance(2)
    asked = [await pod.ask() for _ in range(5) for pod in replicas.pods.values()]
    assert len([each for each in asked if each is not None]) == 3
