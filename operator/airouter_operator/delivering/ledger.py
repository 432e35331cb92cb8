"""The ledger of one RouterConfig: what its limits allow its pods is decided here, in memory.

The arithmetic is `bookkeeping/book.py`. A ledger begins with what that of the leader before has
left (`handover.py`). If that is nothing, pods tell it that there was one before, and it grants
nothing until all that the other may have granted is over.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING

import msgspec

from airouter.bookkeeping.book import Book
from airouter.bookkeeping.messages import LedgerMessage
from airouter.bookkeeping.window import step_of
from airouter.config.delivery import Undeliverable
from airouter.untrusted import decoded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airouter.bookkeeping.book import BookMemory

    Recall = Callable[[], Awaitable[BookMemory | None]]

AT_ONCE = 16_384
"""Bytes of a message that are settled in a few milliseconds; more is settled beside polls."""
ANY_TIME = 1 << 40
MESSAGES = msgspec.json.Decoder(LedgerMessage)


class MessageLate(Exception):
    """A message that came after a later one of its pod."""


class LimitLedger:
    """Takes messages as they travel, one after the other."""

    def __init__(self, clock: Callable[[int], Callable[[], int]] | None = None) -> None:
        """`clock` returns a clock that goes on from a step; 0 for one that begins anywhere."""
        self._clock = clock or clock_from
        self._book: Book | None = None
        self._beginning: asyncio.Task[Book] | None = None
        self._turn = asyncio.Lock()

    async def exchange(
        self, body: bytes, recall: Recall, may_grant: Callable[[], bool]
    ) -> bytes | None:
        """Return the answer to a message; None where this replica may not grant anything now.

        It begins with what `recall` returns. Raises `MessageLate`, or `Undeliverable` for what is
        no message.
        """
        async with self._turn:
            book = self._book or await self._begun(recall)
            if not may_grant():
                return None
            if len(body) <= AT_ONCE:
                return settle(book, body)
            settling = asyncio.ensure_future(asyncio.to_thread(settle, book, body))
            try:
                return await asyncio.shield(settling)
            finally:
                await asyncio.wait({settling})  # the pod may be gone, but the thread is not

    async def end(self) -> BookMemory | None:
        """Return what it knows, once nobody may get anything of it any more."""
        async with self._turn:
            return None if self._book is None else self._book.memory()

    async def _begun(self, recall: Recall) -> Book:
        """Begin, once: memory that was taken is nowhere else, though who asked may be gone."""
        if self._beginning is None:
            self._beginning = asyncio.create_task(self._begin(recall))
        return await asyncio.shield(self._beginning)

    async def _begin(self, recall: Recall) -> Book:
        memory = await recall()
        self._book = Book(self._clock(0 if memory is None else memory.now))
        if memory is not None:
            self._book.remember(memory)
        return self._book


def settle(book: Book, body: bytes) -> bytes:
    """Have a book answer a message. Raises `MessageLate` or `Undeliverable`."""
    message = decoded(MESSAGES, body, Undeliverable, "is not the JSON of a LedgerMessage")
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
