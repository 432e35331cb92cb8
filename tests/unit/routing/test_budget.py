"""The share of requests that may be tried again."""

from __future__ import annotations

from airouter.routing.budget import RESERVE, Budget


def test_retries_are_a_share_of_the_requests_above_a_reserve() -> None:
    budget = Budget()
    assert sum(budget.withdraw() for _ in range(100)) == RESERVE
    for _ in range(100):
        budget.deposit(20.0)
    assert sum(budget.withdraw() for _ in range(100)) in {19, 20}
    for _ in range(100_000):
        budget.deposit(100.0)
    assert sum(budget.withdraw() for _ in range(1_000)) <= 10 * RESERVE + 1
