"""The folder of a mounted snapshot Secret, by which a pod starts with or without its operator.

kubelet replaces the files of a mounted Secret all at once by flipping the link `..data`, a minute
or more after the Secret has changed. Changes come faster by the stream (`stream.py`), whose address
is a file of this folder.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from airouter.config.delivery import (
    MAX_PACKED,
    SNAPSHOT_FILE,
    STREAM_FILE,
    Stream,
    Undeliverable,
    decode,
    unpack_snapshot,
)
from airouter.config.findings import Compiled
from airouter.sources.files import fingerprint, read_at_most

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from airouter.config.store import SnapshotStore
    from airouter.sources.files import Fingerprint

logger = logging.getLogger("airouter.config")

LOOK_EVERY = 0.5


class MountedSource:
    """A source of the snapshot in a folder, and of the address where snapshots are streamed."""

    def __init__(
        self,
        folder: Path,
        store: SnapshotStore,
        *follow: Callable[[Stream], None],
        interval: float = LOOK_EVERY,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Each of `follow` gets the stream's address when it may have changed.

        `interval` is seconds.
        """
        self.name = str(folder)
        self._snapshot = folder / SNAPSHOT_FILE
        self._stream = folder / STREAM_FILE
        self._store = store
        self._follow = follow
        self._interval = interval
        self._sleep = sleep
        self._seen: dict[Path, Fingerprint] = {}
        self._failures: dict[Path, str] = {}
        self._token = ""
        """That of the stream, which a RouterConfig has for as long as its Secret is there."""

    async def watch(self) -> None:
        """Look at once and then again and again, until cancelled."""
        if fingerprint_if_any(self._snapshot) is None:
            logger.warning("%s: waiting for %s", self.name, SNAPSHOT_FILE)
        while True:
            self.look()
            await self._sleep(self._interval)

    def look(self) -> None:
        """Offer the snapshot and the stream if they have changed since they were last taken."""
        self._when_new(self._snapshot, self._offer)
        self._when_new(self._stream, self._tell)

    def _when_new(self, path: Path, take: Callable[[bytes], None]) -> None:
        seen = fingerprint_if_any(path)
        if seen is None or seen == self._seen.get(path):
            return
        try:
            take(read_file(path))
        except Undeliverable as refused:
            self._store.refuse(self.name, f"{path.name} {refused}")
        except Exception as error:  # noqa: BLE001 - it may pass, so the next look tries again
            self._fail(path, error)
            return
        self._failures.pop(path, None)
        self._seen[path] = seen

    def _fail(self, path: Path, error: Exception) -> None:
        """Log why a file could not be taken, unless that was logged last time."""
        why = failure_text(error)
        if why != self._failures.get(path):
            logger.error("%s: %s %s; will try again", self.name, path.name, why)
        self._failures[path] = why

    def _offer(self, packed: bytes) -> None:
        self._store.offer(Compiled(unpack_snapshot(packed), ()), self.name)

    def _tell(self, text: bytes) -> None:
        stream = decode(text, Stream)
        if self._token and stream.token != self._token:
            self._store.start_anew()
            self._seen.pop(self._snapshot, None)  # it may have been left aside as older
        self._token = stream.token
        for follow in self._follow:
            follow(stream)


def fingerprint_if_any(path: Path) -> Fingerprint | None:
    """Return the fingerprint of a file, or None when it is not there."""
    try:
        return fingerprint(path)
    except OSError:
        return None


def failure_text(error: Exception) -> str:
    """Return why a file could not be taken, without what might quote a Secret."""
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror}"
    return f"cannot be used: {type(error).__name__}"


def read_file(path: Path) -> bytes:
    """Return the content of a file. Raises `OSError` or `Undeliverable`."""
    content = read_at_most(MAX_PACKED, path)
    if content is None:
        raise Undeliverable("is too large")
    return content
