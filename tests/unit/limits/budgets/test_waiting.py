"""A request waits for money that the ledger has, and cannot grant yet."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from airouter.bookkeeping.book import Book
from airouter.bookkeeping.budget_account import Spent
from airouter.config.budget import PeriodBudget
from airouter.config.snapshot import Auth, ClientKey, Snapshot
from airouter.failures import Failure
from airouter.limits.budgets.budgets import AGAIN
from airouter.limits.shared_limits import SharedLimits
from support.spenders import TEAM, USD, Spenders, reserved

TEN = PeriodBudget("10", "Day")


def writing_down(spenders: Spenders) -> Book:
    """Have the ledger be one that grants what is written down alone, and nothing is yet."""
    now = spenders.ledger.book._clock
    book = spenders.ledger.book = Book(now, {}, settling=0, learning=0)
    return book


async def test_the_first_request_of_a_budget_waits_until_the_budget_is_written_down() -> None:
    spenders = Spenders(TEN, names="a")
    book = writing_down(spenders)
    asked = 0

    def write() -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            book.let_spend({key: Spent(5 * USD, 1) for key in book.spent()})

    spenders.ledger.before_answer = write
    async with asyncio.timeout(60):
        assert await spenders.pods["a"].reserve(USD) is not None
    assert asked == 3


async def test_a_request_does_not_wait_for_what_a_budget_does_not_have() -> None:
    spenders = Spenders(TEN, names="a")
    book = writing_down(spenders)
    await spenders.heard_by("a")
    book.let_spend({key: Spent(10 * USD, 1) for key in book.spent()})
    pod = spenders.pods["a"]
    assert await pod.reserve(9 * USD) is not None
    asked: list[None] = []
    spenders.ledger.before_answer = lambda: asked.append(None)
    assert await pod.reserve(2 * USD) is None
    assert len(asked) == 1


async def test_what_cannot_be_written_down_is_refused_after_a_while() -> None:
    spenders = Spenders(TEN, names="a")
    writing_down(spenders)
    budgets = spenders.pods["a"].budgets
    budgets._patience = 0.5
    with pytest.raises(Failure) as refused:
        await reserved(budgets, TEAM, USD)
    assert (refused.value.status, refused.value.retry_after) == (429, 1.0)


async def test_a_request_that_waits_outlasts_its_ledger() -> None:
    spenders = Spenders(TEN, names="a")
    writing_down(spenders)
    pod = spenders.pods["a"]

    def let_go() -> None:
        pod.budgets.ask = None

    def let_go_soon() -> None:
        asyncio.get_running_loop().call_later(AGAIN / 2, let_go)

    spenders.ledger.before_answer = let_go_soon
    assert await pod.reserve(USD) is None


async def test_a_request_waits_for_a_disk_that_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = SharedLimits("pod", tmp_path / "ledger.sqlite")
    client = ClientKey("team", "00" * 32, budgets=(TEN,))
    limits.reload(Snapshot(auth=Auth(clients=(client,))))
    ask = limits.budgets.ask
    assert ask is not None

    async def ask_slowly() -> None:
        await asyncio.sleep(0.2)
        await ask()

    monkeypatch.setattr(limits.budgets, "ask", ask_slowly)
    assert (await reserved(limits.budgets, TEAM, USD)).reserved == USD
    await limits.close()
