"""Limits over four replicas that ask an operator, whose leaders come and go."""

from __future__ import annotations

import pytest

from airouter.config.snapshot import Limits
from support.shared_ledgers import operated

RPM = Limits(rpm=600)


@pytest.mark.parametrize("between", [0, 5, 100])
async def test_another_leader_without_memory_never_lets_more_through(between: int) -> None:
    async with operated(RPM) as found:
        replicas = found.replicas
        await replicas.demand("all", 30)
        with found.without_leader():
            await replicas.demand("moving", between)
        found.elect()
        await replicas.demand("moving", 135)
        assert replicas.most_in_a_minute() <= 600
        assert replicas.lately() >= 582


@pytest.mark.parametrize("between", [0, 2, 100])
async def test_a_leader_that_ends_in_order_hands_on_what_it_knows(between: int) -> None:
    async with operated(RPM) as found:
        replicas = found.replicas
        await replicas.demand("all", 70)
        await found.hand_over()
        with found.without_leader():
            await replicas.demand("moving", between)
        found.elect()
        resumed = replicas.time.now
        await replicas.demand("moving", 130)
        assert replicas.most_in_a_minute() <= 600
        lost = 600 - len([at for at in replicas.admitted if resumed <= at < resumed + 63])
        assert lost <= (60 if between < 3 else 600)
        assert replicas.lately() >= 582


async def test_what_is_handed_over_keeps_the_shares_that_pods_have_lived_by_meanwhile() -> None:
    async with operated(RPM) as found:
        replicas = found.replicas
        await found.hand_over()
        with found.without_leader():
            await replicas.demand("all", 100)
        found.elect()
        for name in "bcd":
            replicas.cut_off(name)
        await replicas.demand("all", 20)
        for name in "bcd":
            replicas.reconnect(name)
        await replicas.demand("all", 130)
        assert replicas.most_in_a_minute() <= 600
        assert replicas.lately() >= 582


async def test_what_was_handed_over_is_taken_once() -> None:
    async with operated(RPM) as found:
        replicas = found.replicas
        await replicas.demand("all", 30)
        await found.hand_over()
        found.elect()
        await replicas.demand("all", 5)
        found.elect()  # which knows nothing of the last five seconds
        await replicas.demand("all", 130)
        assert replicas.most_in_a_minute() <= 600
        assert replicas.lately() >= 582


async def test_a_handover_that_nobody_gets_is_as_if_there_was_none() -> None:
    async with operated(RPM) as found:
        replicas = found.replicas
        await replicas.demand("all", 30)
        found.operator.secrets.is_down = True
        await found.hand_over()
        found.operator.secrets.is_down = False
        found.elect()
        await replicas.demand("all", 135)
        assert replicas.most_in_a_minute() <= 600
        assert replicas.lately() >= 582


@pytest.mark.parametrize("between", [0, 20])
async def test_a_demand_that_goes_on_is_answered_while_leaders_change(between: int) -> None:
    async with operated(RPM) as found:
        replicas = found.replicas
        await replicas.demand("all", 70)
        with found.without_leader():
            await replicas.demand("all", between)
        found.elect()
        await replicas.demand("all", 61 - between)
        assert replicas.lately() >= 500, "each goes on as before, with what was its share at most"
        assert replicas.most_in_a_minute() <= 600
