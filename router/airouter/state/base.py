"""What every store can do: keep bytes under a key for a while."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Change = Callable[[bytes | None], bytes | None]
"""From what is kept under a key to what shall be, None for nothing on both sides.

May be called several times, so it has no effect of its own.
"""


class StoreError(Exception):
    """A store cannot be used now. Its text names no secret."""


class Store(ABC):
    """Keeps values for so long after they were last written or read.

    No call takes longer than a few seconds; each raises `StoreError` when the store does not work.
    """

    @abstractmethod
    def bound(self, ttl: float, max_entries: int) -> None:
        """From now on keep values for `ttl` seconds, and no more than so many of them."""

    @abstractmethod
    async def get(self, keys: Sequence[str]) -> list[bytes | None]:
        """What is kept under each key; what is found is kept anew for the whole time."""

    @abstractmethod
    async def put(self, key: str, value: bytes) -> None:
        """Keep a value, instead of what was there."""

    @abstractmethod
    async def delete(self, keys: Sequence[str]) -> None:
        """Forget what is kept under keys, if anything."""

    @abstractmethod
    async def update(self, key: str, change: Change) -> bytes | None:
        """Change one value, whoever else changes it at the same time, and return what it is now.

        What `change` raises is passed on, and nothing is changed then.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of files and connections. Who still uses it finds nothing, or a `StoreError`."""
