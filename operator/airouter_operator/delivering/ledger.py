"""The ledger of one RouterConfig: what its limits allow its pods is decided here, in memory.

The arithmetic is `bookkeeping/book.py`. Memory ends with the leadership of this replica: pods tell
the next leader's ledger that there was one before, and it grants nothing until all that this one
granted is over.
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
    from collections.abc import Callable

AT_ONCE = 16_384
"""Bytes of a message that are settled in a few milliseconds; more is settled beside polls."""
ANY_TIME = 1 << 40
MESSAGES = msgspec.json.Decoder(LedgerMessage)


class MessageLate(Exception):
    """A message that came after a later one of its pod."""


class LimitLedger:
    """Takes messages as they travel, one after the other."""

    def __init__(self, clock: Callable[[], int] | None = None) -> None:
        """`clock` returns steps, and is by default one that no other ledger has."""
        self._book = Book(clock or own_clock())
        self._turn = asyncio.Lock()

    async def exchange(self, body: bytes, may_grant: Callable[[], bool]) -> bytes | None:
        """Return the answer to a message; None where this replica may not grant anything now.

        Raises `MessageLate`, or `Undeliverable` for what is no message.
        """
        async with self._turn:
            if not may_grant():
                return None
            if len(body) <= AT_ONCE:
                return self._settle(body)
            return await asyncio.to_thread(self._settle, body)

    def _settle(self, body: bytes) -> bytes:
        message = decoded(MESSAGES, body, Undeliverable, "is not the JSON of a LedgerMessage")
        answer = self._book.exchange(message)
        if answer is None:
            raise MessageLate
        return msgspec.json.encode(answer)


def own_clock() -> Callable[[], int]:
    """Return a clock that begins anywhere, as pods tell ledgers apart by when they began.

    It runs by itself, whoever sets the time of day.
    """
    begin = secrets.randbelow(ANY_TIME) + ANY_TIME
    return lambda: begin + step_of(time.monotonic())
