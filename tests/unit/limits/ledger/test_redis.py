"""The ledger in a Redis that stops, starts anew, or says nothing for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import msgspec
import pytest

from airouter.bookkeeping.messages import RULES, SETTLING, LedgerMessage, Line
from airouter.limits.ledger import redis as redis_module
from airouter.limits.ledger.base import LedgerError
from airouter.limits.ledger.redis import RedisLedger
from support.redis_server import PASSWORD, RedisServer, redis_server

START = 35_000_000_000
LATEST = 2 * START
"""An answer from which on no message is late."""
NEED = Line("k", 10, True, 0, 0, 1, 1, 1, [])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as running:
        yield running


def said(number: int, heard: int = 0, born: int = 0) -> LedgerMessage:
    """A message of a pod that needs one."""
    return LedgerMessage("a", "p", number, heard, born, LATEST, 0, False, [NEED])


async def test_a_redis_that_stops_and_starts_is_a_ledger_without_memory(
    server: RedisServer,
) -> None:
    ledger = RedisLedger(server.url, timeout=60.0)
    born = (await ledger.exchange(said(1), START)).born
    answer = await ledger.exchange(said(2, 1, born), START + SETTLING)
    assert answer.grants[0].amount == 1
    server.stop()
    with pytest.raises(LedgerError) as refused:
        await ledger.exchange(said(3, 2, born), START + SETTLING)
    assert PASSWORD not in str(refused.value)
    server.start()
    async with asyncio.timeout(60):
        answer = await ledger.exchange(said(4, 2, born), START + SETTLING + 1)
    assert answer.born != born
    assert answer.grants[0].wait > 60 * 20
    await ledger.close()


async def test_a_message_that_a_paused_redis_takes_late_is_ignored(server: RedisServer) -> None:
    hasty, ledger = RedisLedger(server.url, timeout=0.3), RedisLedger(server.url, timeout=60.0)
    await ledger.exchange(said(1), START)
    server.freeze()
    try:
        with pytest.raises(LedgerError):
            await hasty.exchange(said(2), START)
    finally:
        server.thaw()
    await ledger.exchange(said(3), START)
    with pytest.raises(LedgerError, match="late"):
        await ledger.exchange(said(2), START)
    await hasty.close()
    await ledger.close()


async def test_the_time_is_that_of_redis(server: RedisServer) -> None:
    ledger = RedisLedger(server.url, timeout=60.0)
    born = (await ledger.exchange(said(1))).born
    assert born > START - 10_000_000_000
    assert (await ledger.exchange(said(2, 1, born))).grants[0].wait in range(SETTLING + 1)
    await ledger.close()


async def test_a_redis_that_has_run_for_longer_than_anything_counts_has_lost_no_ledger(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = msgspec.json.encode(RULES | {"SPAN": 0, "LEASE": 0, "KEPT": 0})
    monkeypatch.setattr(redis_module, "RULES_TEXT", rules)
    async with asyncio.timeout(60):
        for number in count():
            ledger = RedisLedger(server.url, f"new-{number}:", timeout=60.0)
            amount = (await ledger.exchange(said(1))).grants[0].amount
            await ledger.close()
            if amount:
                break
            await asyncio.sleep(0.1)
