"""The ledger of one RouterConfig: what its limits and budgets allow its pods is decided here.

The arithmetic is `bookkeeping/book.py`, in memory. A ledger begins with what that of the leader
before has left (`ledger_store.py`). If that is no memory, pods tell it that there was one before,
and it grants nothing of limits until all that the other may have granted is over. The first one
that there is of a RouterConfig, and any of budgets, which are written down, need not wait.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from airouter.bookkeeping.book import Book
from airouter.bookkeeping.messages import SETTLING, LedgerMessage
from airouter.bookkeeping.window import step_of
from airouter.config.delivery import Undeliverable
from airouter.untrusted import decoded
from airouter_operator.delivering.ledger_store import Left
from airouter_operator.delivering.write_ahead import WriteAhead
from airouter_operator.kube.errors import KubeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter_operator.delivering.ledger_store import LedgerStore

logger = logging.getLogger("airouter.operator")

AT_ONCE = 16_384
"""Bytes of a message that are settled in a few milliseconds; more is settled beside polls."""
RETRY = 1.0
"""Seconds after which it tries again to begin."""
ANY_TIME = 1 << 40
MESSAGES = msgspec.json.Decoder(LedgerMessage)


class MessageLate(Exception):
    """A message that came after a later one of its pod."""


class OpenBook(NamedTuple):
    """A book that has begun, and what has its budgets written down."""

    book: Book
    ahead: WriteAhead


class LimitLedger:
    """Takes messages as they travel, one after the other."""

    def __init__(
        self, store: LedgerStore, clock: Callable[[int], Callable[[], int]] | None = None
    ) -> None:
        """`clock` returns a clock that goes on from a step; 0 for one that begins anywhere."""
        self._store = store
        self._clock = clock or clock_from
        self._open: OpenBook | None = None
        self._opening: asyncio.Task[OpenBook | None] | None = None
        self._opens_at = 0.0
        self._turn = asyncio.Lock()

    async def exchange(self, body: bytes, may_grant: Callable[[], bool]) -> bytes | None:
        """Return the answer to a message; None where this replica may not grant anything now.

        Raises `MessageLate`, or `Undeliverable` for what is no message.
        """
        async with self._turn:
            opened = self._open or await self._opened()
            if opened is None:
                return None
            book, ahead = opened
            is_large = len(body) > AT_ONCE
            message = await asyncio.to_thread(read, body) if is_large else read(body)
            await ahead.before(message)
            if not may_grant():
                return None
            if not is_large:
                return settle(book, message)
            settling = asyncio.ensure_future(asyncio.to_thread(settle, book, message))
            try:
                return await asyncio.shield(settling)
            finally:
                await asyncio.wait({settling})  # the pod may be gone, but the thread is not

    async def end(self) -> None:
        """Leave what it knows, once nobody may get anything of it any more.

        Raises `KubeError`, or `TooMuch`.
        """
        async with self._turn:
            if self._open is not None:
                await self._open.ahead.end()
                memory = self._open.book.memory()
                if memory is not None:
                    await self._store.leave(memory)

    async def _opened(self) -> OpenBook | None:
        """Begin, once: what was taken is nowhere else, though the pod that asks may be gone.

        Return None while it is not known what the leader before has left.
        """
        if self._opening is None:
            if time.monotonic() < self._opens_at:
                return None
            self._opening = asyncio.create_task(self._begin())
        try:
            return await asyncio.shield(self._opening)
        finally:
            if self._opening.done():
                self._opening = None

    async def _begin(self) -> OpenBook | None:
        config, learning = self._store.config, 0
        try:
            left = await self._store.take()
        except KubeError as error:
            logger.warning("%s: the ledger of limits cannot begin yet: %s", config, error)
            self._opens_at = time.monotonic() + RETRY
            return None
        except Undeliverable as error:
            logger.warning(
                "%s: what is spent of budgets is forgotten: in its Secret, %s", config, error
            )
            left, learning = Left({}, None), SETTLING
        memory = left.memory
        book = Book(
            self._clock(0 if memory is None else memory.now),
            left.spent,
            settling=0 if left.is_first else SETTLING,
            learning=learning,
        )
        if memory is not None:
            book.remember(memory)
        self._open = OpenBook(book, WriteAhead(book, self._store, dict(left.spent)))
        return self._open


def read(body: bytes) -> LedgerMessage:
    """Return a message. Raises `Undeliverable`."""
    return decoded(MESSAGES, body, Undeliverable, "is not the JSON of a LedgerMessage")


def settle(book: Book, message: LedgerMessage) -> bytes:
    """Have a book answer a message. Raises `MessageLate`."""
    answer = book.exchange(message)
    if answer is None:
        raise MessageLate
    return msgspec.json.encode(answer)


def clock_from(step: int) -> Callable[[], int]:
    """Return a clock that goes on from a step, or from anywhere: pods tell ledgers apart by that.

    It runs by itself, whoever sets the time of day.
    """
    begin = step or secrets.randbelow(ANY_TIME) + ANY_TIME
    began = step_of(time.monotonic())
    return lambda: begin + step_of(time.monotonic()) - began
