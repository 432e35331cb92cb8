"""The file in which a router without replicas writes down what may have been spent of budgets.

SQLite, so that a process that is killed, or a machine that loses its power, never leaves half of
it. One process has the file for itself: what two of them write would not add up.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from time import time
from typing import TYPE_CHECKING, TypeVar

from airouter.bookkeeping.budget_account import Spent
from airouter.limits.ledger.base import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future
    from pathlib import Path

T = TypeVar("T")

PATIENCE = 5.0
"""Seconds for all of one call."""
TABLE = """
CREATE TABLE IF NOT EXISTS spent (
    key TEXT PRIMARY KEY, amount INTEGER NOT NULL, ends INTEGER NOT NULL
) WITHOUT ROWID
"""
PUT = "INSERT OR REPLACE INTO spent (key, amount, ends) VALUES (?, ?, ?)"
GET = "SELECT key, amount, ends FROM spent"
SWEEP = "DELETE FROM spent WHERE ends <= ?"


class WrittenBudgets:
    """A file with the amounts of budgets."""

    def __init__(self, path: Path, clock: Callable[[], float] = time) -> None:
        """`clock` returns Unix seconds."""
        self._path = path
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._database: sqlite3.Connection | None = None

    async def open(self) -> dict[str, Spent]:
        """Return what is written down, and keep others from writing. Raises `LedgerError`."""
        return await self._in_thread(self._read)

    async def write(self, spent: Mapping[str, Spent]) -> None:
        """Write down amounts, in place of those of their keys. Raises `LedgerError`."""
        await self._in_thread(lambda: self._write(spent))

    async def close(self) -> None:
        """Let others have the file. Never raises."""
        await asyncio.wait([asyncio.wrap_future(self.let_go())], timeout=PATIENCE)

    def let_go(self) -> Future[None]:
        """Let others have the file once the disk has answered; return that as a future."""
        closing = self._thread.submit(self._close)
        self._thread.shutdown(wait=False)
        return closing

    async def _in_thread(self, call: Callable[[], T]) -> T:
        doing = asyncio.get_running_loop().run_in_executor(self._thread, call)
        try:
            async with asyncio.timeout(PATIENCE):
                return await doing
        except TimeoutError:
            raise LedgerError(f"{self._path.name} did not answer in time") from None
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(f"{self._path.name}: {error}") from None

    # In the thread.

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            database = sqlite3.connect(
                self._path, timeout=0.0, isolation_level=None, check_same_thread=False
            )
            try:
                database.execute("PRAGMA locking_mode = EXCLUSIVE")
                database.execute("PRAGMA synchronous = FULL")
                database.execute("BEGIN EXCLUSIVE")
                database.execute(TABLE)
                database.execute(SWEEP, (int(self._clock()),))
                database.execute("COMMIT")
            except BaseException:
                database.close()
                raise
            self._database = database
        return self._database

    def _read(self) -> dict[str, Spent]:
        now = int(self._clock())
        rows = self._opened().execute(GET).fetchall()
        return {key: Spent(amount, max(1, ends - now)) for key, amount, ends in rows}

    def _write(self, spent: Mapping[str, Spent]) -> None:
        database, now = self._opened(), int(self._clock())
        rows = [(key, each.amount, now + each.keeps) for key, each in spent.items()]
        database.execute("BEGIN IMMEDIATE")
        try:
            database.executemany(PUT, rows)
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise

    def _close(self) -> None:
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):
                self._database.close()
            self._database = None
