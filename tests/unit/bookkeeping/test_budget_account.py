"""Budgets in a ledger: nothing slides out, and what nobody knows of counts as spent."""

from __future__ import annotations

from itertools import count
from typing import Any

from msgspec.structs import replace

from airouter.bookkeeping.book import Book
from airouter.bookkeeping.budget_account import Spent
from airouter.bookkeeping.messages import KEPT, SETTLING, LeaseGrant, LedgerMessage, Line
from airouter.bookkeeping.window import SPAN, STEPS_PER_SECOND

START = 35_000_000_000
DAY = 86_400
NUMBERS = count(1)


class BudgetBook:
    """A book that has settled, a budget of a hundred, and time in the test's hand."""

    def __init__(self, spent: dict[str, Spent] | None = None) -> None:
        self.now = START
        self.book = Book(lambda: self.now, spent, settling=0, learning=0)

    def say(self, pod: str, **line: Any) -> LeaseGrant:
        """Say one line, and return the answer to it."""
        plain: dict[str, Any] = {
            "key": "b", "limit": 100, "slides": False, "total": 0, "held": 0,
            "wanted": 0, "needed": 0, "least": 0, "uses": [], "keeps": DAY,
        }  # fmt: skip
        message = LedgerMessage(
            pod, "p", next(NUMBERS), 0, 0, 0, 0, False, [Line(**(plain | line))]
        )
        answer = self.book.exchange(message)
        assert answer is not None
        return answer.grants[0]

    def ask(self, pod: str, amount: int, **line: Any) -> int:
        """What is granted of an amount that requests wait for."""
        return self.say(pod, wanted=amount, needed=amount, least=1, **line).amount


def test_what_is_spent_never_comes_back() -> None:
    ledger = BudgetBook()
    assert ledger.ask("a", 60) == 60
    ledger.say("a", total=60, uses=[(0, 60)])
    ledger.now += 3 * SPAN
    assert ledger.ask("a", 60, total=60) == 40
    assert ledger.ask("b", 1) == 0


def test_what_a_process_gives_back_is_anothers() -> None:
    ledger = BudgetBook()
    assert ledger.ask("a", 100) == 100
    assert ledger.ask("b", 10) == 0
    ledger.say("a", total=30, held=20, uses=[(0, 30)])
    assert ledger.ask("b", 100) == 50


def test_what_a_dead_process_has_counts_as_spent_for_good() -> None:
    ledger = BudgetBook()
    assert ledger.ask("a", 70) == 70
    for wait in (SPAN, KEPT, KEPT):
        ledger.now += wait
        assert ledger.say("b").free == 30


def test_a_process_that_was_silent_for_minutes_is_charged_for_what_it_spent_alone() -> None:
    ledger = BudgetBook()
    assert ledger.ask("a", 70) == 70
    ledger.now += 10 * SPAN
    assert ledger.say("a", total=5, held=0, uses=[(0, 5)]).free == 95


def test_what_was_spent_beyond_the_budget_is_known_as_debt() -> None:
    ledger = BudgetBook()
    assert ledger.say("a", total=130, uses=[(0, 130)]).free == -30


def test_a_ledger_without_memory_is_told_what_the_one_before_knew() -> None:
    ledger = BudgetBook()
    assert ledger.say("b", born=1, spent=80).free == 20
    assert (
        ledger.say("a", total=10, held=5, uses=[(0, 10)], born=1, spent=80, counted=15).free == 20
    )
    assert ledger.say("c", total=4, born=1, spent=85, counted=4).free == 15


def test_debts_that_processes_had_while_there_was_no_ledger_add_up() -> None:
    ledger = BudgetBook()
    for pod in "abc":
        ledger.say(pod, total=10, held=5, uses=[(0, 10)], born=1, spent=40, counted=5)
    assert ledger.say("d").free == 100 - 40 - 3 * 10


def test_what_a_former_ledger_said_counts_once_however_often_it_is_told() -> None:
    ledger = BudgetBook()
    for held in (20, 20, 5):
        answer = ledger.say("a", total=10, held=held, born=1, spent=80, counted=30)
    assert answer.free == 20 + 15, "what is given back is free again"


def test_a_ledger_that_does_not_know_others_yet_grants_nothing() -> None:
    ledger = BudgetBook()
    ledger.book = Book(lambda: ledger.now)
    assert ledger.ask("a", 1) == 0
    ledger.now += SETTLING
    assert ledger.ask("a", 1) == 1


def test_no_more_is_granted_than_is_written_down() -> None:
    ledger = BudgetBook({"b": Spent(20, DAY)})
    assert ledger.ask("a", 5) == 0
    line = Line("b", 100, False, 0, 0, 5, 5, 1, [], DAY)
    message = LedgerMessage("a", "p", 1, 0, 0, 0, 0, False, [line])
    to_write = ledger.book.to_write(message, ahead=10)
    assert to_write == {"b": Spent(35, DAY)}
    ledger.book.let_spend(to_write)
    assert not ledger.book.to_write(message, ahead=10)
    assert ledger.ask("a", 50) == 15
    assert ledger.book.spent() == {"b": Spent(35, DAY)}


def test_what_several_pods_wait_for_is_written_down_at_once() -> None:
    ledger = BudgetBook({"b": Spent(20, DAY)})
    line = Line("b", 100, False, 0, 0, 5, 5, 5, [], DAY)
    for pod, amount in (("a", 35), ("c", 40), ("a", 40)):
        message = LedgerMessage(pod, "p", 1, 0, 0, 0, 0, False, [line])
        to_write = ledger.book.to_write(message, ahead=10)
        assert to_write == {"b": Spent(amount, DAY)}
    ledger.book.let_spend(to_write)
    assert [ledger.ask(pod, 5) for pod in "ac"] == [5, 5]
    message = LedgerMessage("a", "p", 3, 0, 0, 0, 0, False, [replace(line, held=5, needed=25)])
    assert ledger.book.to_write(message, ahead=10) == {"b": Spent(65, DAY)}, "each pod once"


def test_what_was_spent_as_debt_is_to_be_written_down_with_the_next_message() -> None:
    ledger = BudgetBook({"b": Spent(100, DAY)})
    ledger.say("a", total=130, uses=[(0, 130)])
    line = Line("b", 100, False, 130, 0, 0, 0, 0, [], DAY)
    message = LedgerMessage("a", "p", 1, 0, 0, 0, 0, False, [line])
    assert ledger.book.to_write(message, ahead=10) == {"b": Spent(230, DAY)}


def test_a_budget_is_forgotten_a_while_after_its_period() -> None:
    ledger = BudgetBook()
    ledger.ask("a", 10)
    ledger.now += DAY * STEPS_PER_SECOND - 1
    ledger.say("b", key="c")
    assert "b" in ledger.book.spent()
    ledger.now += KEPT * 4
    ledger.say("b", key="c")
    assert "b" not in ledger.book.spent()
