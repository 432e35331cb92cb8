"""The operator's stream: a poll that is answered as soon as there is something new.

Each poll says which snapshot this process runs, which acknowledges it, and which one it refused.
The stream makes changes fast and nothing more: without it a process serves what it has, and gets
changes from the mounted folder (`mounted.py`), where it also finds the stream's address.
`stream_connection.py` is how a poll is asked; the operator's side is its `stream.py`.
"""

from __future__ import annotations

import asyncio
import logging
import random as randomness
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.config.delivery import MAX_REASON, Poll
from airouter.config.findings import Compiled
from airouter.config.key_changes import after_changes
from airouter.config.store import moment
from airouter.sources.stream_connection import PollFailed, StreamConnection

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airouter.config.delivery import Stream
    from airouter.config.store import SnapshotStore
    from airouter.sources.stream_connection import News

logger = logging.getLogger("airouter.config")

FIRST_DELAY = 0.2
LONGEST_DELAY = 5.0
GROWTH = 1.5
"""Of the pause, by which a process looks once a second while another replica takes over."""
SEARCHING = -2
"""Failures that count while replicas answer, so that pauses begin below a tenth of a second: of
three replicas each connection misses the one that leads two times out of three."""
MANY = 16
"""Failures after which each pause is the longest."""


@dataclass(frozen=True)
class StreamState:
    """The state of the stream, as `/health` shows it. Times are Unix seconds."""

    url: str = ""
    connected: bool = False
    since: float = 0.0
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the state as `/health` shows it."""
        return {
            "url": self.url,
            "connected": self.connected,
            "since": moment(self.since),
            "error": self.error,
        }


class StreamSource:
    """A source of what an operator streams."""

    name = "stream"

    def __init__(
        self,
        store: SnapshotStore,
        pod: str,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = randomness.random,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`pod` is the name that the operator knows this process by."""
        self.state = StreamState()
        self._store = store
        self._pod = pod
        self._sleep = sleep
        self._random = random
        self._clock = clock
        self._found = asyncio.Event()
        self._stream: Stream | None = None
        self._refused = self._reason = ""
        self._takes_changes = True

    def follow(self, stream: Stream) -> None:
        """Poll at that address from now on; a poll that is under way may end."""
        if stream != self._stream:
            logger.info("snapshots are streamed by %s", stream.url)
        self._stream = stream
        self._found.set()

    async def run(self) -> None:
        """Poll again and again, until cancelled."""
        await self._found.wait()
        while (stream := self._stream) is not None:
            try:
                await self._poll_while(stream)
            except Exception as error:  # noqa: BLE001 - there may be a better address later
                # What it says may quote the token; its type does not.
                await self._pause(f"stream.json cannot be used: {type(error).__name__}", MANY)

    async def _poll_while(self, stream: Stream) -> None:
        """Poll at one address until there is another."""
        connection = StreamConnection(stream)
        failures = 0
        try:
            while stream is self._stream:
                try:
                    news = await connection.poll(self._poll_body())
                except PollFailed as failed:
                    if failed.elsewhere:  # the next connection may meet the one that leads
                        failures = min(failures, SEARCHING)
                    await self._pause(str(failed), failures)
                    failures += 1
                else:
                    failures = 0
                    self._note(StreamState(stream.url, connected=True))
                    self._take(news)
        finally:
            connection.hang_up()

    def _poll_body(self) -> bytes:
        """Return what the next poll says of this process."""
        current = self._store.current
        version, serial = (current.version, current.serial) if current else ("", 0)
        poll = Poll(
            pod=self._pod,
            version=version,
            serial=serial,
            refused=self._refused,
            reason=self._reason[:MAX_REASON],
            takes_changes=self._takes_changes,
            patient=self.state.connected,
        )
        return msgspec.json.encode(poll)

    def _take(self, news: News | None) -> None:
        """Offer what came, and remember why it is refused if it is."""
        if news is None:
            return
        snapshot = news.snapshot
        if news.changes is not None:
            current = self._store.current
            if current is None or current.version != news.changes.base:
                self._takes_changes = False  # all of it the next time: another source was faster
                return
            snapshot = after_changes(current, news.changes)
        self._takes_changes = True
        if snapshot is None:
            self._store.refuse(self.name, news.error)
        else:
            self._store.offer(Compiled(snapshot, ()), self.name)
        reload = self._store.reload
        self._refused, self._reason = (
            ("", "") if reload.successful else (news.version, reload.error)
        )

    async def _pause(self, error: str, failures: int) -> None:
        """Wait before the next poll: longer each time, and not all processes at once."""
        url = self._stream.url if self._stream else ""
        self._note(StreamState(url, connected=False, error=error))
        longest = min(LONGEST_DELAY, FIRST_DELAY * GROWTH ** min(failures, MANY))
        await self._sleep(longest * (0.5 + self._random() / 2))

    def _note(self, state: StreamState) -> None:
        """Keep the state, and log it when it has turned."""
        before = self.state
        if (before.connected, before.error) == (state.connected, state.error):
            return
        self.state = StreamState(state.url, state.connected, self._clock(), state.error)
        if state.connected:
            logger.info("the stream is connected")
        else:
            logger.warning("the stream is lost: %s; serving goes on", state.error)
