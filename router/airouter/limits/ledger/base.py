"""The interface of all ledgers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airouter.bookkeeping.messages import LedgerAnswer, LedgerMessage


class LedgerError(Exception):
    """A ledger that does not answer. The text names no secret."""


class RemoteLedger(ABC):
    """Takes what pods say of their limits, and grants them more."""

    @abstractmethod
    async def exchange(self, message: LedgerMessage) -> LedgerAnswer:
        """Return the answer to a message, within half a second. Raises `LedgerError`."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of connections."""
