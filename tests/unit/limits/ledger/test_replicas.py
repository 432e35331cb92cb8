"""Limits over four replicas, minutes of them, with time in the test's hand."""

from __future__ import annotations

import pytest

from airouter.config.snapshot import Limits
from support.replicas import Replicas

RPM = Limits(rpm=600)


async def demand(replicas: Replicas, where: str, seconds: float) -> None:
    """A hundred requests a second: at one replica, at all of them, or moving every 5 s."""
    tick = 0
    until = replicas.time.now + seconds
    while replicas.time.now < until:
        tick += 1
        names = sorted(replicas.pods)
        if where == "all":
            name = names[tick % len(names)]
        elif where == "one":
            name = names[0]
        else:
            name = names[int(replicas.time.now / 5) % len(names)]
        permit = await replicas.ask(name)
        if permit is not None:
            permit.settle(100, 50)
        await replicas.advance(0.01)


@pytest.mark.parametrize("where", ["one", "all", "moving"])
async def test_no_minute_has_more_than_allowed_and_no_five_minutes_many_fewer(where: str) -> None:
    replicas = Replicas(RPM, off=30.0)
    await replicas.settle()
    await demand(replicas, where, 420)
    assert replicas.most_in_a_minute() <= 600
    assert replicas.least_in_five_minutes(replicas.time.now) >= 2_910
