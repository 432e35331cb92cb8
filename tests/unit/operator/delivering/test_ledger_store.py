"""The Secret of a ledger: writing it holds up nobody, however much there is to write."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Callable

import pytest

from airouter.bookkeeping.book import Book
from airouter.bookkeeping.budget_account import Spent
from airouter.bookkeeping.messages import LedgerMessage, Line
from airouter_operator.delivering import write_ahead
from airouter_operator.delivering.ledger_store import LedgerStore
from airouter_operator.delivering.write_ahead import WriteAhead
from airouter_operator.kube.objects import ObjectKey
from support.secrets_in_memory import SecretsInMemory

MANY = 10_000
A_DAY = 86_400


class Held:
    """Work that ends once the event loop has done something else."""

    def __init__(self, work: Callable[..., object]) -> None:
        self._work = work
        self.has_begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self, *given: object, **named: object) -> object:
        self.has_begun.set()
        assert self.may_end.wait(60), "nothing else was done meanwhile"
        return self._work(*given, **named)

    async def let_end(self) -> None:
        """Let it end, once it has begun."""
        async with asyncio.timeout(60):
            while not self.has_begun.is_set():
                await asyncio.sleep(0.001)
        self.may_end.set()


def ledger() -> tuple[LedgerStore, dict[str, Spent]]:
    """The store of a ledger, and what is spent of very many budgets."""
    store = LedgerStore(SecretsInMemory(), ObjectKey("ai", "default"), "uid")
    return store, {f"budget:client:team/{at}:Total": Spent(at, A_DAY) for at in range(MANY)}


async def test_polls_are_answered_while_very_many_budgets_are_written_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    packing = Held(gzip.compress)
    monkeypatch.setattr(gzip, "compress", packing)
    store, spent = ledger()
    await asyncio.gather(store.write(spent), packing.let_end())


async def test_polls_are_answered_while_a_message_of_very_many_budgets_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, spent = ledger()
    book = Book(lambda: 1, spent, learning=0)
    looking = Held(book.to_write)
    monkeypatch.setattr(book, "to_write", looking)
    lines = [Line(key, MANY, False, 0, 0, 1, 1, 1, [], A_DAY) for key in spent]
    ahead = WriteAhead(book, store, spent)
    message = LedgerMessage("pod", "p", 1, 0, 0, 0, 0, False, lines)
    await asyncio.gather(ahead.before(message), looking.let_end())
    await ahead.end()
    assert len(lines) > write_ahead.MANY
