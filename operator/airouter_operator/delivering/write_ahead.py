"""The write-ahead of budgets: what may be spent is written down before a ledger grants it.

At most once a second, with some to spare. A message whose pod needs what is not written down yet is
answered after a moment, with or without it, and its pod asks again soon. Where there is
no room for a budget that is new, it is granted nothing, and those that are known go on.
"""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING

from airouter.config.delivery import Undeliverable
from airouter_operator.delivering.ledger_store import ROOM_FOR_NEW, TooMuch
from airouter_operator.kube.errors import KubeError

if TYPE_CHECKING:
    from airouter.bookkeeping.book import Book
    from airouter.bookkeeping.budget_account import Spent
    from airouter.bookkeeping.messages import LedgerMessage
    from airouter_operator.delivering.ledger_store import LedgerStore

logger = logging.getLogger("airouter.operator")

MANY = 1_000
"""Lines of a message that are looked at in a few milliseconds; more are beside polls."""
EVERY = 1.0
"""Seconds between two writes."""
PATIENCE = 0.04
"""Seconds that a message waits for a write: a request waits for its pod's message a bit longer."""
AHEAD = 50
"""Each write has a fiftieth of a budget to spare: so much may be counted that was not spent."""


class WriteAhead:
    """Has a book's budgets written down."""

    def __init__(self, book: Book, store: LedgerStore, written: dict[str, Spent]) -> None:
        self._book = book
        self._store = store
        self._written = written
        self._due: dict[str, Spent] = {}
        self._writing: asyncio.Task[None] | None = None
        self._next_at = 0.0
        self._fails = False
        self._is_full = False

    async def before(self, message: LedgerMessage) -> None:
        """Have what a message may spend written down, or be it later; and what is owed."""
        if len(message.lines) > MANY:
            needed = await asyncio.to_thread(self._book.to_write, message, AHEAD)
        else:
            needed = self._book.to_write(message, AHEAD)
        for key, spent in (self._book.not_written() | needed).items():
            if key not in self._due or self._due[key].amount < spent.amount:
                self._due[key] = spent
        if self._due and self._writing is None and monotonic() >= self._next_at:
            # Found here, where no thread works on the book.
            known = {key: each for key, each in self._written.items() if self._book.knows(key)}
            self._writing = asyncio.create_task(self._write(known))
        if needed and self._writing is not None:
            await asyncio.wait({self._writing}, timeout=PATIENCE)

    async def end(self) -> None:
        """Return once nothing is being written."""
        if self._writing is not None:
            await asyncio.wait({self._writing})

    async def _write(self, written: dict[str, Spent]) -> None:
        """Write down what is due, beside what is written of budgets that are known still."""
        due, self._due = self._due, {}
        try:
            if not due.keys() <= written.keys():
                due = await self._write_new(written, due)
            else:
                await self._store.write(written | due)
        except (KubeError, TooMuch, Undeliverable) as error:
            self._due = due | self._due
            if not self._fails:
                logger.warning("budgets grant no more: they cannot be written down: %s", error)
            self._fails = True
        else:
            self._written, self._fails = written | due, False
            self._book.let_spend(due)
        finally:
            self._next_at = monotonic() + EVERY
            self._writing = None

    async def _write_new(
        self, written: dict[str, Spent], due: dict[str, Spent]
    ) -> dict[str, Spent]:
        """Write down what is due, and return it: without what is new, where that has no room."""
        try:
            await self._store.write(written | due, ROOM_FOR_NEW)
        except TooMuch as error:
            if not self._is_full:
                logger.warning("budgets that are new get nothing: there is no room: %s", error)
            self._is_full = True
            due = {key: each for key, each in due.items() if key in written}
            await self._store.write(written | due)
        else:
            self._is_full = False
        return due
