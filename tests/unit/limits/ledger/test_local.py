"""The ledger of budgets of a router without replicas: a file that outlives it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest

from airouter.bookkeeping.budget_account import Spent
from airouter.bookkeeping.messages import LedgerAnswer, LedgerMessage, Line
from airouter.limits.ledger import written
from airouter.limits.ledger.budget_lease import BudgetLease
from airouter.limits.ledger.exchanger import Exchanger
from airouter.limits.ledger.leases import Leases
from airouter.limits.ledger.local import LocalLedger
from airouter.limits.ledger.written import WrittenBudgets

PATIENCE = 60.0
LIMIT, WEEK = 1_000, 7 * 86_400


class Pod:
    """A process that speaks of one budget."""

    def __init__(self, path: Path, now: float = 0.0) -> None:
        self.file = WrittenBudgets(path, lambda: now)
        self.ledger = LocalLedger(self.file)
        self._number = self._born = self._heard = self._told = 0

    def kill(self) -> None:
        """End it as a signal does that nobody can catch."""
        if self.file._database is not None:
            self.file._database.close()
            self.file._database = None

    async def say(self, *, total: int = 0, wanted: int = 0, leaves: bool = False) -> LedgerAnswer:
        self._number += 1
        uses, self._told = [(0, total - self._told)], total
        line = Line("b", LIMIT, False, total, 0, wanted, wanted, min(1, wanted), uses, WEEK)
        message = LedgerMessage(
            "p", str(id(self)), self._number, self._heard, self._born, 1 << 60, 0, leaves, [line]
        )
        answer = await self.ledger.exchange(message)
        self._born, self._heard = answer.born, self._number
        return answer

    async def ask(self, amount: int, total: int = 0) -> int:
        """What is granted."""
        return (await self.say(wanted=amount, total=total)).grants[0].amount


Start = Callable[..., Pod]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts processes with one file, and ends them all."""
    pods: list[Pod] = []

    def started(now: float = 0.0) -> Pod:
        pods.append(Pod(tmp_path / "ledger.sqlite", now))
        return pods[-1]

    yield started
    for pod in pods:
        pod.kill()


async def test_a_router_that_is_killed_has_counted_too_much_and_never_too_little(
    start: Start,
) -> None:
    killed = start()
    assert await killed.ask(300) == 300
    killed.kill()
    assert await start().ask(LIMIT) == LIMIT - 300 - LIMIT // 100


async def test_a_router_that_ends_leaves_exactly_what_was_spent(start: Start) -> None:
    pod = start()
    assert await pod.ask(300) == 300
    await pod.say(leaves=True, total=120)
    await pod.ledger.close()
    assert await start().ask(LIMIT) == LIMIT - 120


async def test_the_file_is_written_a_hundred_times_for_a_budget_and_not_for_each_request(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[int] = []
    write = WrittenBudgets.write

    async def noted(self: WrittenBudgets, spent: dict[str, Spent]) -> None:
        writes.append(len(spent))
        await write(self, spent)

    monkeypatch.setattr(WrittenBudgets, "write", noted)
    pod = start()
    for total in range(LIMIT):
        assert await pod.ask(1, total=total) == 1
    assert 50 <= len(writes) <= 110
    assert await pod.ask(1, total=LIMIT) == 0


async def test_debt_is_written_down(start: Start) -> None:
    pod = start()
    assert await pod.ask(300) == 300
    await pod.say(total=LIMIT + 50)
    pod.kill()
    assert (await start().say()).grants[0].free == -50


async def test_what_a_period_long_over_had_is_forgotten(start: Start) -> None:
    pod = start()
    assert await pod.ask(300) == 300
    await pod.ledger.close()
    assert await start(now=WEEK + 1.0).ask(LIMIT) == LIMIT


async def test_a_file_that_another_process_has_is_said_and_budgets_hold_in_memory(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = start(), start()
    assert await first.ask(300) == 300
    assert await second.ask(LIMIT) == LIMIT
    assert await second.ask(1, total=LIMIT) == 0
    assert "AIROUTER_LEDGER_FILE" in caplog.text
    await first.ledger.close()
    await second.ledger.close()


class SlowFile(WrittenBudgets):
    """A file on a disk that answers once it is told to."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.may_open = threading.Event()

    def _read(self) -> dict[str, Spent]:
        self.may_open.wait(PATIENCE)
        return super()._read()


async def test_a_file_that_opens_too_late_is_let_go_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, other = SlowFile(tmp_path / "slow.sqlite"), WrittenBudgets(tmp_path / "slow.sqlite")
    ledger = LocalLedger(slow)
    with monkeypatch.context() as hasty:
        hasty.setattr(written, "PATIENCE", 0.01)
        await ledger.exchange(LedgerMessage("p", "1", 1, 0, 0, 0, 0, False, []))
    slow.may_open.set()
    slow._thread.shutdown()
    assert await other.open() == {}
    await other.close()


async def test_a_budget_that_comes_again_is_not_charged_for_what_others_have_spent(
    tmp_path: Path,
) -> None:
    leases = Leases("pod", monotonic)
    exchanger = Exchanger(leases, LocalLedger(WrittenBudgets(tmp_path / "ledger.sqlite")))
    for key, amount in (("team-a", 1_000), ("team-b", 500_000), ("team-a", 2_000)):
        lease = leases.open(BudgetLease, key, 1_000_000)
        lease.keeps = 86_400
        assert lease.need(0, amount)
        await exchanger.exchange_all()
        lease.take(0, amount)
        lease.settle(0, 0, amount, amount)
        leases.let_go(lease)  # as of a client that is gone
        for _ in range(3):
            await exchanger.exchange_all()
    assert lease.room(0) == 1_000_000 - 3_000
    await exchanger.leave()
