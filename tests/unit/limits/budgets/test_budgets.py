"""Budgets over replicas: what is spent, by whichever of them, whatever dies meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from airouter.config.budget import PeriodBudget
from airouter.config.snapshot import Auth, ClientKey, Group, Limits, Snapshot
from airouter.failures import Failure
from airouter.limits.budgets.spending import Spending
from airouter.limits.ledger.redis import RedisLedger
from support.redis_server import redis_server
from support.spenders import PATIENCE, START, TEAM, USD, Spenders, reserved

TEN = PeriodBudget("10", "Day")
CENT = USD // 100
DAY = 86_400


async def spend_all(spenders: Spenders, most: float = 30 * CENT) -> int:
    """Fifty requests at a time, each of ten cents or more or less, until all are refused."""
    running: list[Spending] = []
    spent, refused = 0, 0
    while running or refused < 200:
        pod = spenders.pods[spenders.random.choice(sorted(spenders.pods))]
        spending = await pod.reserve(10 * CENT) if refused < 200 else None
        refused += spending is None
        if spending is not None:
            refused = 0
            running.append(spending)
        if running and (len(running) > 50 or spending is None):
            done = running.pop(spenders.random.randrange(len(running)))
            cost = spenders.random.randint(1, int(most))
            done.settle(cost)
            spent += cost
        await spenders.advance(0.1)
    return spent


@pytest.mark.parametrize("names", ["a", "abcd"])
async def test_replicas_together_spend_a_budget_and_no_more(names: str) -> None:
    spenders = Spenders(TEN, names=names)
    await spenders.advance(8)
    spent = await spend_all(spenders, most=10 * CENT)
    assert 9.9 * USD - 10 * CENT <= spent <= 10 * USD
    assert await spenders.pods["a"].reserve(10 * CENT) is None


async def test_replicas_at_a_real_redis_spend_a_budget_and_no_more(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        redis = RedisLedger(server.url, timeout=PATIENCE)
        spenders = Spenders(TEN, redis)
        await spenders.advance(8)
        spent = await spend_all(spenders, most=10 * CENT)
        assert 9.9 * USD - 10 * CENT <= spent <= 10 * USD
        await redis.close()


async def test_answers_that_cost_more_than_was_reserved_are_debt_and_end_it_sooner() -> None:
    spenders = Spenders(TEN)
    await spenders.advance(8)
    spent = await spend_all(spenders, most=30 * CENT)
    assert 9.8 * USD <= spent <= 10 * USD + 51 * 20 * CENT
    await spenders.advance(3)
    assert spenders.ledger.book.spent().popitem()[1].amount >= spent


async def test_what_a_replica_has_that_is_killed_counts_as_spent() -> None:
    spenders = Spenders(TEN)
    await spenders.advance(8)
    spent = 0
    for name in "abcdabcd":
        spending = await spenders.pods[name].reserve(30 * CENT)
        assert spending is not None
        spending.settle(25 * CENT)
        spent += 25 * CENT
        spenders.add(name)  # in the place of one that never told what it has spent
    rest = await spend_all(spenders, most=10 * CENT)
    assert spent + rest <= 10 * USD
    assert spent + rest >= 10 * USD - 8 * 40 * CENT


async def test_a_ledger_that_loses_its_memory_learns_from_the_replicas_what_was_spent() -> None:
    spenders = Spenders(TEN)
    await spenders.advance(8)
    spending = await spenders.pods["b"].reserve(6 * USD)
    assert spending is not None
    spending.settle(6 * USD)
    await spenders.advance(2)
    spenders.ledger.lose_memory()
    await spenders.advance(70)
    assert await spenders.pods["a"].reserve(4 * USD + CENT) is None
    await spenders.advance(2)
    assert await spenders.pods["a"].reserve(3 * USD) is not None


async def test_without_a_ledger_a_replica_spends_what_it_has_and_no_more() -> None:
    spenders = Spenders(TEN)
    await spenders.advance(8)
    first = await spenders.pods["a"].reserve(USD)
    assert first is not None
    first.settle(CENT)
    spenders.ledger.is_up = False
    await spenders.advance(30)
    assert await spenders.pods["a"].reserve(USD) is None
    assert await spenders.pods["b"].reserve(CENT) is None
    spenders.ledger.is_up = True
    await spenders.advance(2)
    assert await spenders.pods["b"].reserve(9 * USD) is not None


async def test_a_budget_begins_anew_with_its_period() -> None:
    midnight = START + 2 * DAY - 3600  # in Berlin
    spenders = Spenders(PeriodBudget("10", "Month", "Europe/Berlin"), start=midnight - 30)
    await spenders.advance(8)
    pod = spenders.pods["a"]
    last = await pod.reserve(10 * USD)
    assert last is not None
    await spenders.advance(21)
    assert await pod.reserve(CENT) is None
    await spenders.advance(1)
    assert spenders.time.now == midnight
    assert await pod.reserve(10 * USD) is not None
    last.settle(10 * USD)  # and is paid for by the month in which it began
    await spenders.advance(2)
    assert [each.amount for each in spenders.ledger.book.spent().values()] == [10 * USD, 10 * USD]


async def test_a_request_that_is_too_dear_keeps_no_cheaper_one_from_what_is_left() -> None:
    spenders = Spenders(TEN)
    await spenders.advance(8)
    first = await spenders.pods["a"].reserve(7 * USD)
    assert first is not None
    first.settle(7 * USD)
    await spenders.advance(2)
    assert await spenders.pods["a"].reserve(4 * USD) is None
    assert await spenders.pods["a"].reserve(3 * USD) is not None


async def test_a_clock_that_was_a_month_ahead_and_is_set_right_spends_of_the_right_month() -> None:
    spenders = Spenders(PeriodBudget("10", "Month"))
    scopes = spenders.pods["a"].budgets.of(TEAM)
    month = scopes[0].current().key
    spenders.time.now += 40 * DAY
    assert scopes[0].current().key != month
    spenders.time.now -= 40 * DAY
    assert scopes[0].current().key == month


async def test_a_refusal_says_whose_budget_it_is_and_when_it_begins_anew() -> None:
    spenders = Spenders(TEN)
    await spenders.advance(8)
    pod = spenders.pods["a"]
    assert await pod.reserve(10 * USD)
    with pytest.raises(Failure) as refused:
        await reserved(pod.budgets, TEAM, CENT)
    failure = refused.value
    assert (failure.status, failure.code) == (429, "insufficient_quota")
    assert "client 'team'" in failure.message
    assert failure.retry_after == START + DAY - spenders.time.now


async def test_a_refusal_names_the_budget_that_is_spent_before_one_that_nobody_knows() -> None:
    spenders = Spenders(TEN)
    pod = spenders.pods["a"]
    auth = Auth(
        clients=(ClientKey("team", "00" * 32, groups=("all",), budgets=(TEN,)),),
        groups=(Group("all", Limits(), PeriodBudget("0.01", "Total")),),
    )
    pod.budgets.reload(Snapshot(auth=auth))
    with pytest.raises(Failure) as refused:
        await reserved(pod.budgets, TEAM, 2 * CENT)
    assert refused.value.code == "insufficient_quota"
    assert "group 'all'" in refused.value.message


async def test_a_budget_that_warns_refuses_nothing_and_counts_everything() -> None:
    spenders = Spenders(PeriodBudget("10", "Day", refuses=False))
    await spenders.advance(8)
    pod = spenders.pods["a"]
    first = await pod.reserve(9 * USD)
    assert first is not None
    assert first.warns is None
    first.settle(10 * USD)
    await spenders.advance(2)
    second = await pod.reserve(9 * USD)
    assert second is not None
    assert second.warns is not None
    second.settle(9 * USD)
    await spenders.advance(2)
    assert spenders.ledger.book.spent().popitem()[1].amount == 19 * USD


async def test_a_reload_changes_the_amount_and_forgets_nothing() -> None:
    spenders = Spenders(TEN)
    await spenders.advance(8)
    pod = spenders.pods["a"]
    spending = await pod.reserve(10 * USD)
    assert spending is not None
    spending.settle(10 * USD)
    spenders.change(PeriodBudget("15", "Day"))
    await spenders.advance(2)
    assert await pod.reserve(6 * USD) is None
    await spenders.advance(2)
    assert await pod.reserve(5 * USD) is not None


async def test_a_budget_that_is_lowered_below_what_is_spent_has_nothing_left_at_once() -> None:
    spenders = Spenders(TEN)
    await spenders.advance(8)
    pods = [spenders.pods["a"], spenders.pods["b"]]
    for pod in pods:
        for _ in range(3):  # each a dollar, and so each pod holds some more
            spending = await pod.reserve(USD)
            assert spending is not None
            spending.settle(USD)
    spenders.change(PeriodBudget("5", "Day"))
    assert [await pod.reserve(USD // 100) for pod in pods] == [None, None]
    await spenders.advance(2)
    assert await pods[0].reserve(USD // 100) is None
    assert spenders.ledger.counted == 6 * USD
    spenders.change(PeriodBudget("7", "Day"))
    await spenders.advance(1)
    assert await pods[1].reserve(USD) is not None


async def test_a_stream_gets_more_as_it_goes_and_ends_where_nothing_is_left() -> None:
    spenders = Spenders(TEN)
    await spenders.advance(8)
    stream = await spenders.pods["a"].reserve(USD)
    assert stream is not None
    for _ in range(40):
        spent = stream.extend(USD)
        if spent is not None:
            break
        await asyncio.sleep(0)
        await spenders.advance(1)
    assert spent is not None
    assert spent.name == "team"
    assert stream.reserved == 10 * USD


async def test_a_ledger_that_is_silent_or_does_not_know_yet_ends_no_stream() -> None:
    spenders = Spenders(TEN)
    await spenders.advance(8)
    stream = await spenders.pods["a"].reserve(USD)
    assert stream is not None
    spenders.ledger.is_up = False
    await spenders.advance(2)
    assert stream.extend(USD) is None
    assert stream.reserved == 2 * USD
    spenders.ledger.is_up = True
    spenders.ledger.lose_memory()
    await spenders.advance(2)
    for _ in range(4):
        assert stream.extend(USD) is None
        await spenders.advance(1)
    assert stream.reserved >= 4 * USD
    stream.settle(stream.reserved)
    await spenders.advance(70)
    assert spenders.ledger.book.spent().popitem()[1].amount >= stream.reserved


async def test_what_was_reserved_as_debt_and_not_used_is_nothing_to_spend() -> None:
    spenders = Spenders(PeriodBudget("10", "Day", stops_streams=False))
    await spenders.advance(8)
    pod = spenders.pods["a"]
    stream = await pod.reserve(10 * USD)
    assert stream is not None
    assert stream.extend(20 * USD) is None
    await spenders.advance(2)
    stream.settle(25 * USD)
    assert await pod.reserve(USD) is None
    await spenders.advance(2)
    assert spenders.ledger.book.spent().popitem()[1].amount == 25 * USD
