"""Opens the store that a configuration asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.state.absent import NoStore
from airouter.state.memory import MemoryStore

if TYPE_CHECKING:
    from pathlib import Path

    from airouter.config.snapshot import ResponseStorage
    from airouter.state.base import Store


def open_store(storage: ResponseStorage, redis_url: str | None, sqlite_path: Path) -> Store:
    """Return a store that connects at first use. Raises `ValueError` for Redis without URL."""
    match storage.type:
        case "Memory":
            return MemoryStore(storage.ttl, storage.max_entries)
        case "SQLite":
            from airouter.state.sqlite import SQLiteStore  # noqa: PLC0415 - only where used

            return SQLiteStore(sqlite_path, storage.ttl, storage.max_entries)
        case "Redis":
            from airouter.state.redis import RedisStore  # noqa: PLC0415 - only where used

            if redis_url is None:
                raise ValueError("storage of type Redis needs spec.redis")
            return RedisStore(redis_url, storage.ttl)
    return NoStore()
