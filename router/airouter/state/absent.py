"""No store: nothing is ever found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.state.base import Change, Store

if TYPE_CHECKING:
    from collections.abc import Sequence


class NoStore(Store):
    """Keeps nothing."""

    def bound(self, ttl: float, max_entries: int) -> None:
        pass

    async def get(self, keys: Sequence[str]) -> list[bytes | None]:
        return [None for _ in keys]

    async def put(self, key: str, value: bytes) -> None:
        pass

    async def delete(self, keys: Sequence[str]) -> None:
        pass

    async def update(self, key: str, change: Change) -> bytes | None:  # noqa: ARG002
        return change(None)

    async def close(self) -> None:
        pass
