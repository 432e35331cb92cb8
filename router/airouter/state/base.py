"""The interface of all stores: keep bytes under a key for a while."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Change = Callable[[bytes | None], bytes | None]
"""Maps the value under a key to its new value; None is no value on both sides.

May be called several times, so it has no effect of its own.
"""


class StoreError(Exception):
    """A store that cannot be used now. The text names no secret."""


class Store(ABC):
    """Keeps values for a time after they were last written or read.

    No call takes longer than a few seconds; each raises `StoreError` when the store does not work.
    """

    @abstractmethod
    def bound(self, ttl: float, max_entries: int) -> None:
        """Change the limits: values live `ttl` seconds, and there are at most `max_entries`."""

    @abstractmethod
    async def get(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the value under each key; each that is found is kept for the whole time again."""

    @abstractmethod
    async def put(self, key: str, value: bytes) -> None:
        """Keep a value, in place of an earlier one."""

    @abstractmethod
    async def delete(self, keys: Sequence[str]) -> None:
        """Delete the values of keys, if there are any."""

    @abstractmethod
    async def update(self, key: str, change: Change) -> bytes | None:
        """Change a value atomically, even against other processes, and return the new one.

        What `change` raises is passed on, and nothing is changed then.
        """

    @abstractmethod
    async def close(self) -> None:
        """Close files and connections. Later calls find nothing, or raise `StoreError`."""
