"""Budgets in an operator's ledger: written down before they are granted."""

from __future__ import annotations

import asyncio
import base64
import gzip
from collections.abc import Callable

import msgspec
import pytest

from airouter.bookkeeping.budget_account import Spent
from airouter.bookkeeping.messages import SETTLING, LedgerAnswer, LedgerMessage, Line
from airouter_operator.delivering import write_ahead
from airouter_operator.delivering.ledger import LimitLedger
from airouter_operator.delivering.ledger_store import MEMORY_FILE, SPENT_FILE, LedgerStore
from airouter_operator.kube.objects import ObjectKey
from support.secrets_in_memory import SecretsInMemory

KEY = ObjectKey("ai", "default")
BUDGET = "budget:team:2026-11"
A_MONTH = 31 * 86_400
LIMIT = 10_000


class Spending:
    """A pod: what it has spent before, what it is about to, and what it heard of which ledger."""

    total = last = heard = counted = born = 0


class Leaders:
    """Operators that lead one after the other, and pods that spend all they get."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.secrets = SecretsInMemory()
        self.now = 0
        self.seconds = 0.0
        self.granted = 0
        self._number = 0
        self._begins = 1 << 41
        self._pods: dict[str, Spending] = {}
        monkeypatch.setattr(write_ahead, "monotonic", lambda: self.seconds)
        self.elect()

    def elect(self) -> None:
        """Have another leader, which knows nothing but what is in the Secret."""
        store = LedgerStore(self.secrets, KEY, "uid")
        self.ledger = LimitLedger(store, self._clock_from)

    def _clock_from(self, step: int) -> Callable[[], int]:
        self._begins += 1 << 30
        begin, began = step or self._begins, self.now
        return lambda: begin + self.now - began

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds
        self.now += int(seconds * 20)

    async def settle(self) -> None:
        """Let the ledger begin and settle."""
        await self.say("first")
        self.pass_time(SETTLING / 20 + 0.1)

    async def say(self, pod: str, needed: int = 0, limit: int = LIMIT) -> int:
        """What a pod gets, of which it tells next time that it is spent."""
        self._number += 1
        own = self._pods.setdefault(pod, Spending())
        uses = [(0, own.last)] if own.last else []
        own.total += own.last
        wants = (needed, needed, needed)
        heard = (own.born, own.heard, own.counted)
        line = Line(BUDGET, limit, False, own.total, 0, *wants, uses, A_MONTH, *heard)
        message = LedgerMessage(pod, "p", self._number, 0, 0, 1 << 50, 0, False, [line])
        body = await self.ledger.exchange(msgspec.json.encode(message), lambda: True)
        assert body is not None
        answer = msgspec.json.decode(body, type=LedgerAnswer)
        (grant,) = answer.grants
        own.last, own.heard, own.born = grant.amount, limit - grant.free, answer.born
        own.counted = own.total + own.last
        self.granted += grant.amount
        return grant.amount

    async def owe(self, pod: str, amount: int) -> None:
        """Have a pod tell that it has spent so much, whatever it got."""
        self._pods[pod].last = amount
        await self.say(pod)

    async def say_nothing(self, pod: str) -> None:
        """Have a pod come that has no budgets."""
        self._number += 1
        message = LedgerMessage(pod, "p", self._number, 0, 0, 1 << 50, 0, False, [])
        await self.ledger.exchange(msgspec.json.encode(message), lambda: True)

    def written(self) -> int:
        """What the Secret says may have been spent."""
        ((_, body),) = self.secrets.secrets.items()
        packed = base64.b64decode(body["data"][SPENT_FILE])
        spent = msgspec.json.decode(gzip.decompress(packed), type=dict[str, Spent])
        return spent[BUDGET].amount


@pytest.fixture
async def leaders(monkeypatch: pytest.MonkeyPatch) -> Leaders:
    found = Leaders(monkeypatch)
    await found.settle()
    return found


async def test_what_is_granted_was_written_down_before(leaders: Leaders) -> None:
    assert await leaders.say("a", 100) == 100
    assert 100 <= leaders.written() <= 200 + LIMIT // 50


async def test_a_secret_is_written_at_most_once_a_second_however_many_pods_spend(
    leaders: Leaders,
) -> None:
    for _ in range(5):
        leaders.pass_time(1)
        for pod in range(40):
            await leaders.say(f"pod-{pod}", 10)
    assert leaders.granted > 500
    assert leaders.secrets.writes <= 5


async def test_a_leader_that_dies_and_the_next_never_grant_more_than_the_budget(
    leaders: Leaders,
) -> None:
    for _ in range(3):
        for _ in range(30):
            leaders.pass_time(1)
            await leaders.say("a", 150)
        leaders.elect()
        await leaders.settle()
    assert leaders.granted <= LIMIT
    assert leaders.granted >= LIMIT * 0.9


async def test_a_debt_that_was_told_outlives_leader_and_pod(leaders: Leaders) -> None:
    await leaders.say("a", 100)
    await leaders.owe("a", 5_000)
    leaders.pass_time(1)
    await leaders.say_nothing("b")
    async with asyncio.timeout(60):
        while leaders.written() < 5_000:
            await asyncio.sleep(0)
    leaders.elect()
    assert await leaders.say("c", LIMIT - 5_000 + 1) < LIMIT - 5_000 + 1


async def test_a_leader_after_one_that_died_grants_of_budgets_at_once(leaders: Leaders) -> None:
    await leaders.say("a", 100)
    leaders.elect()
    assert await leaders.say("a", 100) == 100
    assert leaders.granted <= leaders.written()


async def test_a_leader_that_cannot_read_what_was_spent_waits_for_what_pods_know(
    leaders: Leaders,
) -> None:
    await leaders.say("a", 100)
    (secret,) = leaders.secrets.secrets.values()
    secret["data"][SPENT_FILE] = "broken"
    leaders.elect()
    assert await leaders.say("a", 100) == 0
    leaders.pass_time(SETTLING / 20 + 1)
    assert await leaders.say("a", 100) == 100


async def test_a_memory_that_cannot_be_read_is_no_reason_to_forget_what_was_spent(
    leaders: Leaders,
) -> None:
    await leaders.say("a", LIMIT)
    await leaders.ledger.end()
    (secret,) = leaders.secrets.secrets.values()
    secret["data"][MEMORY_FILE] = "broken"
    leaders.elect()
    await leaders.settle()
    assert await leaders.say("b", 100) == 0


async def test_leaders_that_end_in_order_leave_the_budget_as_it_was(leaders: Leaders) -> None:
    for _ in range(5):
        leaders.pass_time(1)
        await leaders.say("a", 1_000)
        await leaders.ledger.end()
        leaders.elect()
    for _ in range(120):
        leaders.pass_time(1)
        await leaders.say("b", 100)
    assert leaders.granted == LIMIT


async def test_while_nothing_can_be_written_down_nothing_more_is_granted(
    leaders: Leaders, caplog: pytest.LogCaptureFixture
) -> None:
    await leaders.say("a", 100)
    leaders.secrets.is_down = True
    for _ in range(20):
        leaders.pass_time(1)
        await leaders.say("a", 100)
    assert leaders.granted <= leaders.written()
    assert caplog.text.count("cannot be written down") == 1
    leaders.secrets.is_down = False
    leaders.pass_time(1)
    assert await leaders.say("a", 100) == 100


async def test_before_it_is_known_what_was_spent_nothing_is_answered(leaders: Leaders) -> None:
    await leaders.say("a", 100)
    leaders.secrets.is_down = True
    leaders.elect()
    message = msgspec.json.encode(LedgerMessage("a", "p", 99, 0, 0, 0, 0, False, []))
    assert await leaders.ledger.exchange(message, lambda: True) is None


async def test_a_leader_before_that_still_writes_takes_nothing_back(leaders: Leaders) -> None:
    before, after = (LedgerStore(leaders.secrets, KEY, "uid") for _ in range(2))
    await before.take()
    await before.write({BUDGET: Spent(10, A_MONTH)})
    assert (await after.take()).spent == {BUDGET: Spent(10, A_MONTH)}
    await after.write({BUDGET: Spent(50, A_MONTH)})
    await before.write({BUDGET: Spent(20, A_MONTH)})
    assert leaders.written() == 50
    await after.write({BUDGET: Spent(60, A_MONTH)})
    assert leaders.written() == 60


async def test_a_secret_that_somebody_deletes_is_written_again(leaders: Leaders) -> None:
    await leaders.say("a", 100)
    leaders.secrets.secrets.clear()
    leaders.pass_time(1)
    await leaders.say("a", 500)
    assert leaders.written() >= leaders.granted


async def test_a_secret_that_somebody_edits_is_no_reason_to_hand_nothing_over(
    leaders: Leaders,
) -> None:
    await leaders.say("a", 100)
    (path,) = leaders.secrets.secrets
    there = leaders.secrets.secrets[path]
    edited = {"metadata": there["metadata"], "data": {"note": "aGVsbG8="}}
    await leaders.secrets.merge(path, edited)
    await leaders.ledger.end()
    assert MEMORY_FILE in leaders.secrets.secrets[path]["data"]
