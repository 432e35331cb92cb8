"""Streams that come so slowly that leases are given back between two looks at what they cost."""

from __future__ import annotations

import asyncio

from airouter.config.budget import PeriodBudget
from airouter.limits.budgets.spending import Spending
from support.spenders import USD, Spenders

CENT = USD // 100
PIECE = 2 * CENT
TEN = PeriodBudget("10", "Day")


class SlowStream:
    """A stream that looks at what it has cost whenever a piece has come."""

    def __init__(self, spending: Spending) -> None:
        self._spending = spending
        self.cost = 0
        self.is_over = False

    def go_on(self) -> None:
        """Have a piece come."""
        self.cost += PIECE
        missing = self.cost - self._spending.reserved
        if missing > 0 and self._spending.extend(missing + PIECE) is not None:
            self.is_over = True


async def test_slow_streams_over_all_replicas_spend_a_budget_and_a_piece_each() -> None:
    spenders = Spenders(TEN)
    await spenders.advance(8)
    pods = list(spenders.pods.values())
    reserved = [await pods[number % 4].reserve(CENT) for number in range(50)]
    streams = [SlowStream(each) for each in reserved if each is not None]
    assert len(streams) == 50
    for _ in range(40):
        for stream in streams:
            if not stream.is_over:
                stream.go_on()
            await asyncio.sleep(0)
        await spenders.advance(3)
    assert all(stream.is_over for stream in streams)
    cost = sum(stream.cost for stream in streams)
    assert 9 * USD <= cost <= 10 * USD + 50 * 2 * PIECE
