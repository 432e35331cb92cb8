"""The ledger of budgets inside a process without replicas, which outlives it in a file.

What is granted is written down first, a hundredth of a budget ahead: so a process that is killed
has counted at most that too much, and the file is written a hundred times in a period, not once a
request.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING

from airouter.bookkeeping.book import Book
from airouter.bookkeeping.window import step_of
from airouter.limits.ledger.base import LedgerError, RemoteLedger

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.bookkeeping.messages import LedgerAnswer, LedgerMessage
    from airouter.limits.ledger.written import WrittenBudgets

logger = logging.getLogger("airouter.limits")

AHEAD = 100
"""The part of a budget that is written down ahead."""


class LocalLedger(RemoteLedger):
    """A book of this process alone."""

    def __init__(
        self, file: WrittenBudgets, clock: Callable[[], int] = lambda: step_of(monotonic()) + 1
    ) -> None:
        """`clock` returns steps, never 0."""
        self._file: WrittenBudgets | None = file
        self._clock = clock
        self._book: Book | None = None

    async def exchange(self, message: LedgerMessage) -> LedgerAnswer:
        """Return the answer to a message, once what it grants is written down."""
        book = self._book
        if book is None:
            book = self._book = await self._begin()
        if self._file is not None:
            ahead = book.to_write(message, AHEAD)
            if ahead:
                await self._file.write(ahead)
                book.let_spend(ahead)
        answer = book.exchange(message)
        if answer is None:
            raise LedgerError("a message came late")
        if self._file is not None and (debts := book.not_written()):
            await self._file.write(debts)
            book.let_spend(debts)
        return answer

    async def close(self) -> None:
        """Write down what was spent, without what was to spare."""
        if self._file is None:
            return
        if self._book is not None:
            try:
                await self._file.write(self._book.spent())
            except LedgerError as error:
                logger.warning("the ledger of budgets: %s", error)
        await self._file.close()
        self._book = None

    async def _begin(self) -> Book:
        file, spent = self._file, None
        if file is not None:
            try:
                spent = await file.open()
            except LedgerError as error:
                logger.warning(
                    "what is spent of budgets is forgotten when this process ends: %s "
                    "(fix: set AIROUTER_LEDGER_FILE to a file that this process alone can write)",
                    error,
                )
                self._file = None
                file.let_go()  # a slow disk may yet open it
        return Book(self._clock, spent, settling=0, learning=0)
