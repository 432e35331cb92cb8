"""Budgets whose ledger, replicas and messages get lost: they never count too little."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from airouter.config.budget import PeriodBudget
from airouter.limits.budgets.spending import Spending
from airouter.limits.ledger.redis import RedisLedger
from support.redis_server import redis_server
from support.spenders import PATIENCE, USD, Spender, Spenders

HUNDRED = PeriodBudget("100", "Day", stops_streams=False)
CENT = USD // 100


async def settled_spenders(names: str = "abcd") -> Spenders:
    """Replicas whose ledger has settled; the first has spent ten dollars."""
    spenders = Spenders(HUNDRED, names=names)
    await spenders.advance(8)
    (await a_stream(spenders.pods["a"], 10 * USD)).settle(10 * USD)
    await spenders.advance(2)
    return spenders


async def a_stream(pod: Spender, amount: int = USD) -> Spending:
    """A stream that has reserved so much."""
    stream = await pod.reserve(amount)
    assert stream is not None
    return stream


async def test_what_all_replicas_spend_as_debt_before_they_meet_a_new_ledger_adds_up() -> None:
    spenders = await settled_spenders()
    streams = [await a_stream(pod) for pod in spenders.pods.values()]
    await spenders.advance(4)
    spenders.ledger.is_up = False
    await spenders.advance(2)
    assert [stream.extend(5 * USD) for stream in streams] == [None] * 4
    spenders.ledger.lose_memory()
    spenders.ledger.is_up = True
    await spenders.advance(1)
    assert spenders.ledger.counted == 34 * USD
    for stream in streams:
        stream.settle(6 * USD)
    await spenders.advance(2)
    assert spenders.ledger.counted == 34 * USD


async def test_what_a_stream_spends_just_after_its_replica_met_a_new_ledger_counts() -> None:
    spenders = await settled_spenders("a")
    stream = await a_stream(spenders.pods["a"])
    await spenders.advance(2)
    spenders.ledger.lose_memory()
    await spenders.advance(1)
    assert stream.extend(5 * USD) is None
    await spenders.advance(1)
    stream.settle(6 * USD)
    await spenders.advance(2)
    assert spenders.ledger.counted == 16 * USD


async def test_a_replica_that_has_nothing_more_to_spend_tells_a_new_ledger_what_it_heard() -> None:
    spenders = await settled_spenders("ab")
    dead = await a_stream(spenders.pods["a"], 7 * USD)
    dead.settle(7 * USD)
    await spenders.advance(2)
    spenders.kill("a")
    last = await a_stream(spenders.pods["b"], CENT)
    last.settle(CENT)  # and is told to the new ledger, and nothing is left to say
    spenders.ledger.lose_memory()
    await spenders.advance(3)
    assert spenders.ledger.counted == 17 * USD + CENT


async def test_a_ledger_that_forgot_grants_again_once_all_have_told_what_they_know() -> None:
    spenders = await settled_spenders("ab")
    spenders.ledger.lose_memory()
    await spenders.advance(1)
    assert await spenders.pods["b"].reserve(USD) is None
    await spenders.advance(6)
    assert await spenders.pods["b"].reserve(USD) is not None


async def test_an_old_copy_of_a_ledger_is_told_what_was_spent_since() -> None:
    spenders = await settled_spenders()
    (await a_stream(spenders.pods["a"])).settle(USD)
    await spenders.advance(2)
    copied = spenders.ledger.copy()
    (await a_stream(spenders.pods["b"], 7 * USD)).settle(7 * USD)
    await spenders.advance(2)
    (await a_stream(spenders.pods["c"])).settle(USD)
    await spenders.advance(2)
    spenders.kill("b")
    spenders.ledger.go_back(copied)
    await spenders.advance(2)
    assert spenders.ledger.counted == 19 * USD


async def test_what_a_replica_gave_back_to_a_redis_that_lost_that_is_nobodys_twice() -> None:
    spenders = await settled_spenders("ab")
    (await a_stream(spenders.pods["a"], 5 * USD)).give_back()
    copied = spenders.ledger.copy()
    await spenders.advance(3)
    (await a_stream(spenders.pods["b"], 3 * USD)).settle(3 * USD)
    await spenders.advance(2)
    assert spenders.ledger.counted == 13 * USD
    spenders.ledger.go_back(copied)
    for _ in range(5):
        await spenders.advance(1)
        assert 13 * USD <= spenders.ledger.counted <= 18 * USD, "too much by the lease, if anything"


async def test_what_is_given_back_in_a_message_that_nobody_answers_counts_once() -> None:
    spenders = await settled_spenders("ab")
    (await a_stream(spenders.pods["a"], 5 * USD)).give_back()
    spenders.ledger.loses_answers = True
    await spenders.advance(2)
    spenders.ledger.loses_answers = False
    await spenders.pods["b"].exchanger.exchange_all()
    (await a_stream(spenders.pods["b"], 3 * USD)).settle(3 * USD)
    await spenders.pods["b"].exchanger.exchange_all()
    spenders.ledger.lose_memory()
    await spenders.advance(3)
    assert spenders.ledger.counted == 13 * USD


async def test_a_budget_that_is_changed_while_a_message_is_under_way_forgets_nothing() -> None:
    spenders = await settled_spenders("a")
    pod = spenders.pods["a"]
    (await a_stream(pod, 7 * USD)).settle(7 * USD)
    speaking = asyncio.ensure_future(pod.exchanger.exchange_all())
    spenders.ledger.before_answer = lambda: spenders.change(PeriodBudget("50", "Day"))
    await speaking
    spenders.ledger.lose_memory()
    await spenders.advance(2)
    assert spenders.ledger.counted == 17 * USD


async def test_an_answer_that_costs_more_than_was_reserved_is_told_at_once() -> None:
    spenders = await settled_spenders("a")
    (await a_stream(spenders.pods["a"])).settle(6 * USD)
    for _ in range(5):
        await asyncio.sleep(0)
    assert 16 * USD <= spenders.ledger.counted <= 17 * USD, "before the second in which all is told"


@pytest.mark.parametrize("is_killed", [False, True])
async def test_a_redis_that_is_killed_or_lost_its_last_writes_counts_what_was_spent(
    is_killed: bool, tmp_path: Path
) -> None:
    with redis_server(tmp_path, keeps=True) as server:
        redis = RedisLedger(server.url, timeout=PATIENCE)
        spenders = Spenders(HUNDRED, redis, names="abc")
        await spenders.advance(8)
        (await a_stream(spenders.pods["a"])).settle(USD)
        await spenders.advance(2)
        copied = server.copy()
        (await a_stream(spenders.pods["b"], 7 * USD)).settle(7 * USD)
        await spenders.advance(2)
        (await a_stream(spenders.pods["a"])).settle(USD)
        await spenders.advance(2)
        spenders.kill("b")
        if is_killed:
            server.stop()
            server.start()
        else:
            server.go_back(copied)
        async with asyncio.timeout(PATIENCE):
            while (await spenders.heard_by("c")) < 9 * USD:
                await spenders.advance(1)
        await redis.close()
