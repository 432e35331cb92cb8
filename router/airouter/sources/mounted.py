"""The folder of a mounted snapshot Secret: how a pod starts, with or without its operator.

kubelet replaces the files of a mounted Secret all at once by flipping the link `..data`, a minute
or more after the Secret has changed. What is fast comes by the stream, whose address is found here.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from airouter.config.delivery import (
    MAX_PACKED,
    SNAPSHOT_FILE,
    STREAM_FILE,
    Refused,
    Stream,
    decode,
    unpack,
)
from airouter.config.findings import Compiled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from airouter.config.store import Store

logger = logging.getLogger("airouter.config")

LOOK_EVERY = 0.5

Look = tuple[int, ...] | None
"""What can be seen of a file without reading it; None when it is not there."""


class MountedSource:
    """Offers the snapshot of a folder, and tells where it is streamed."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        follow: Callable[[Stream], None],
        *,
        interval: float = LOOK_EVERY,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`follow` gets the stream's address whenever it changes; `interval` is seconds."""
        self.name = str(folder)
        self._snapshot = folder / SNAPSHOT_FILE
        self._stream = folder / STREAM_FILE
        self._store = store
        self._follow = follow
        self._interval = interval
        self._sleep = sleep
        self._seen: dict[Path, Look] = {}
        self._failures: dict[Path, str] = {}

    async def watch(self) -> None:
        """Look at once and then again and again, until cancelled."""
        if glimpse(self._snapshot) is None:
            logger.warning("%s: waiting for %s", self.name, SNAPSHOT_FILE)
        while True:
            self.look()
            await self._sleep(self._interval)

    def look(self) -> None:
        """Offer the snapshot and the stream if they have changed since they were last taken."""
        self._when_new(self._snapshot, self._offer)
        self._when_new(self._stream, self._tell)

    def _when_new(self, path: Path, take: Callable[[bytes], None]) -> None:
        seen = glimpse(path)
        if seen is None or seen == self._seen.get(path):
            return
        try:
            take(content(path))
        except Refused as refused:
            self._store.refuse(self.name, f"{path.name} {refused}")
        except Exception as error:  # noqa: BLE001 - it may pass, so the next look tries again
            self._fail(path, error)
            return
        self._failures.pop(path, None)
        self._seen[path] = seen

    def _fail(self, path: Path, error: Exception) -> None:
        """Say why a file could not be taken, unless that was said last time."""
        why = reason(error)
        if why != self._failures.get(path):
            logger.error("%s: %s %s; will try again", self.name, path.name, why)
        self._failures[path] = why

    def _offer(self, packed: bytes) -> None:
        self._store.offer(Compiled(unpack(packed), ()), self.name)

    def _tell(self, text: bytes) -> None:
        self._follow(decode(text, Stream))


def glimpse(path: Path) -> Look:
    """What can be seen of a file, following links."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def reason(error: Exception) -> str:
    """Why a file could not be taken. What errors say may quote a Secret; their type does not."""
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror}"
    return f"cannot be used: {type(error).__name__}"


def content(path: Path) -> bytes:
    """What a file holds. Raises `OSError` or `Refused`."""
    with path.open("rb") as file:
        found = file.read(MAX_PACKED + 1)
    if len(found) > MAX_PACKED:
        raise Refused("is too large")
    return found
