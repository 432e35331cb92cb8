"""A store in a file, which several processes of one machine may share.

SQLite blocks, so one thread does all of it. A disk that hangs holds up that thread alone: nobody
waits for it for long, and what it still has to do is bounded. The file is opened at the first use
and again after it failed, so a store whose disk was full, or whose folder was not there, comes back
by itself.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic, time
from typing import TYPE_CHECKING, TypeVar

from airouter.state.base import Change, Store, StoreError
from airouter.state.breaker import Breaker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

T = TypeVar("T")

BUSY_TIMEOUT = 2.0
PATIENCE = 5.0
"""Seconds for all of one call."""
MOST_IN_THREAD = 32
"""Calls in the thread, abandoned ones included; further calls wait outside."""
SWEEP_EVERY = 100
"""Writes between two deletions of expired values."""
TABLE = """
CREATE TABLE IF NOT EXISTS kept (
    key TEXT PRIMARY KEY, value BLOB NOT NULL, ends REAL NOT NULL
) WITHOUT ROWID
"""
INDEX = "CREATE INDEX IF NOT EXISTS kept_by_end ON kept (ends)"
PUT = "INSERT OR REPLACE INTO kept (key, value, ends) VALUES (?, ?, ?)"
GET = "SELECT value FROM kept WHERE key = ? AND ends > ?"
TOUCH = "UPDATE kept SET ends = ? WHERE key = ?"
DELETE = "DELETE FROM kept WHERE key = ?"
SWEEP = "DELETE FROM kept WHERE ends <= ?"
TRIM = """
DELETE FROM kept WHERE key IN (
    SELECT key FROM kept ORDER BY ends LIMIT max(0, (SELECT count(*) FROM kept) - ?)
)
"""


class SQLiteStore(Store):
    """Keeps values in a file; those that expire first go first."""

    def __init__(
        self,
        path: Path,
        ttl: float,
        max_entries: int,
        clock: Callable[[], float] = time,
        stopwatch: Callable[[], float] = monotonic,
    ) -> None:
        """`ttl` is seconds; `clock` gives Unix seconds, which other processes share."""
        self._path = path
        self._ttl = ttl
        self._max_entries = max_entries
        self._clock = clock
        self._breaker = Breaker(stopwatch)
        self._room = asyncio.Semaphore(MOST_IN_THREAD)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        self._database: sqlite3.Connection | None = None
        self._writes = 0
        self._closed = False

    def bound(self, ttl: float, max_entries: int) -> None:
        self._ttl, self._max_entries = ttl, max_entries

    async def get(self, keys: Sequence[str]) -> list[bytes | None]:
        return await self._run(lambda database: [self._get(database, key) for key in keys])

    async def put(self, key: str, value: bytes) -> None:
        await self._run(lambda database: self._put(database, key, value))

    async def delete(self, keys: Sequence[str]) -> None:
        await self._run(lambda database: database.executemany(DELETE, [(key,) for key in keys]))

    async def update(self, key: str, change: Change) -> bytes | None:
        def updated(database: sqlite3.Connection) -> bytes | None:
            value = change(self._get(database, key))
            if value is None:
                database.execute(DELETE, (key,))
            else:
                self._put(database, key, value)
            return value

        return await self._run(updated)

    async def close(self) -> None:
        self._closed = True
        try:
            await self._in_thread(self._forget)
        finally:
            self._thread.shutdown(wait=False)

    async def _run(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """Do something in one transaction. Raises `StoreError`, and what the action raises."""
        if self._closed:
            raise StoreError(f"{self._path} is closed")
        if not self._breaker.may_wait():
            raise StoreError(f"{self._path} does not answer")
        return await self._in_thread(partial(self._transact, action))

    async def _in_thread(self, call: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(PATIENCE):
                done = await self._in_turn(call)
        except TimeoutError:
            self._breaker.timed_out()
            raise StoreError(f"{self._path} did not answer in time") from None
        self._breaker.answered()  # an error is an answer too
        try:
            return done.result()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{self._path}: {error}") from None

    async def _in_turn(self, call: Callable[[], T]) -> asyncio.Future[T]:
        await self._room.acquire()
        doing = asyncio.get_running_loop().run_in_executor(self._thread, call)
        doing.add_done_callback(self._leave)
        await asyncio.wait(
            [doing]
        )  # unlike wait_for, it does not cancel the call, which keeps its room
        return doing

    def _leave(self, done: asyncio.Future[T]) -> None:
        self._room.release()
        done.exception()  # or asyncio logs one that no caller retrieves

    # In the thread.

    def _transact(self, action: Callable[[sqlite3.Connection], T]) -> T:
        database = self._opened()
        try:
            # A deferred transaction that reads first cannot become a writer while another writes:
            # it fails at once, without waiting for the lock.
            database.execute("BEGIN IMMEDIATE")
            with database:
                return action(database)
        except sqlite3.Error:
            self._forget()  # so that the next call opens the file anew
            raise

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            if not self._path.exists():  # before SQLite would create it readable by others
                os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            database = sqlite3.connect(
                self._path,
                timeout=BUSY_TIMEOUT,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = NORMAL")
                database.execute(TABLE)
                database.execute(INDEX)
            except sqlite3.Error:
                database.close()
                raise
            self._database = database
        return self._database

    def _forget(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _get(self, database: sqlite3.Connection, key: str) -> bytes | None:
        now = self._clock()
        found = database.execute(GET, (key, now)).fetchone()
        if found is None:
            return None
        database.execute(TOUCH, (now + self._ttl, key))
        return bytes(found[0])

    def _put(self, database: sqlite3.Connection, key: str, value: bytes) -> None:
        now = self._clock()
        database.execute(PUT, (key, value, now + self._ttl))
        self._writes += 1
        # 1 and not 0: a process that writes rarely sweeps at its first write, too.
        if self._writes % SWEEP_EVERY == 1:
            database.execute(SWEEP, (now,))
            database.execute(TRIM, (self._max_entries,))
