"""A store in the memory of this process: fast, bounded, and gone with it.

All tenants share it. Room is made at the cost of the one that has most, so that a tenant which
stores very much loses its own values and not those of others.
"""

from __future__ import annotations

from collections import OrderedDict
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from airouter.state.base import Change, Store, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_BYTES = 64 * 1_048_576


class StoredValue(NamedTuple):
    """A value and the time of its expiry."""

    value: bytes
    ends: float


class TenantShare:
    """The part of the store that one tenant has."""

    __slots__ = ("keys", "size")

    def __init__(self) -> None:
        self.keys: OrderedDict[str, None] = OrderedDict()
        """In the order of use."""
        self.size = 0
        """Bytes of keys and values."""


class MemoryStore(Store):
    """Keeps values in memory; the least recently used ones of the largest tenant go first."""

    def __init__(
        self,
        ttl: float,
        max_entries: int,
        max_bytes: int = MOST_BYTES,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`ttl` is seconds; `max_bytes` counts keys and values."""
        self._ttl = ttl
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[str, StoredValue] = OrderedDict()
        self._shares: dict[str, TenantShare] = {}
        self._size = 0

    def bound(self, ttl: float, max_entries: int) -> None:
        self._ttl, self._max_entries = ttl, max_entries
        self._make_room(self._clock())

    async def get(self, keys: Sequence[str]) -> list[bytes | None]:
        return [self._get(key) for key in keys]

    async def put(self, key: str, value: bytes) -> None:
        self._put(key, value)

    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._drop(key)

    async def update(self, key: str, change: Change) -> bytes | None:
        value = change(self._get(key))
        if value is None:
            self._drop(key)
        else:
            self._put(key, value)
        return value

    async def close(self) -> None:
        self._entries.clear()
        self._shares.clear()
        self._size = 0

    def _get(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        now = self._clock()
        if entry.ends <= now:
            self._drop(key)
            return None
        self._entries[key] = StoredValue(entry.value, now + self._ttl)
        self._entries.move_to_end(key)  # keeps the order of use, in which room is made
        self._shares[tenant_in(key)].keys.move_to_end(key)
        return entry.value

    def _put(self, key: str, value: bytes) -> None:
        size = len(key) + len(value)
        if size > self._max_bytes:
            raise StoreError(f"a value of {size} bytes is larger than the store")
        self._drop(key)
        now = self._clock()
        self._entries[key] = StoredValue(value, now + self._ttl)
        share = self._shares.setdefault(tenant_in(key), TenantShare())
        share.keys[key] = None
        share.size += size
        self._size += size
        self._make_room(now)

    def _make_room(self, now: float) -> None:
        """Drop expired values, then the oldest ones of the largest tenant until the rest fits."""
        while self._entries:
            key, entry = next(iter(self._entries.items()))
            fits = len(self._entries) <= self._max_entries and self._size <= self._max_bytes
            if entry.ends > now:
                if fits:
                    return
                key = next(iter(max(self._shares.values(), key=self._part).keys))
            self._drop(key)

    def _part(self, share: TenantShare) -> float:
        """Return the part of the store that a tenant takes: of its entries, or of its bytes."""
        return max(len(share.keys) / self._max_entries, share.size / self._max_bytes)

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        size = len(key) + len(entry.value)
        share = self._shares[tenant_in(key)]
        del share.keys[key]
        share.size -= size
        self._size -= size
        if not share.keys:
            del self._shares[tenant_in(key)]


def tenant_in(key: str) -> str:
    """Return the tenant in a key, `kind:tenant:id`; nothing for any other key."""
    parts = key.split(":", 2)
    return parts[1] if len(parts) > 2 else ""
