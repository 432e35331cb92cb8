"""The operator's stream: a poll that is answered as soon as there is something new.

Each poll says which snapshot this process runs, which acknowledges it, and which one it refused.
The stream makes changes fast and nothing more: without it a process serves what it has, and gets
changes from the mounted folder, where it also finds the stream's address.
"""

from __future__ import annotations

import asyncio
import logging
import random as randomness
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import msgspec

from airouter.config.delivery import (
    MAX_PACKED,
    MAX_REASON,
    VERSION_HEADER,
    Poll,
    Refused,
    unpack,
)
from airouter.config.findings import Compiled
from airouter.config.store import moment

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airouter.config.delivery import Stream
    from airouter.config.store import Store

logger = logging.getLogger("airouter.config")

CONNECT_TIMEOUT = 5.0
POLL_TIMEOUT = 60.0
"""Longer than an operator holds a poll."""
FIRST_DELAY = 0.2
LONGEST_DELAY = 5.0


@dataclass(frozen=True)
class StreamState:
    """How it stands with the stream. Times are Unix seconds."""

    url: str = ""
    connected: bool = False
    since: float = 0.0
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """For `/health`."""
        return {
            "url": self.url,
            "connected": self.connected,
            "since": moment(self.since),
            "error": self.error,
        }


class News(NamedTuple):
    """A snapshot as it travelled, and its version."""

    version: str
    packed: bytes


class Lost(Exception):
    """A poll failed; the message says how."""


class StreamSource:
    """Offers what an operator streams."""

    name = "stream"

    def __init__(
        self,
        store: Store,
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

    def follow(self, stream: Stream) -> None:
        """Poll there from now on; a poll that is under way is let end."""
        if stream != self._stream:
            logger.info("snapshots are streamed by %s", stream.url)
        self._stream = stream
        self._found.set()

    async def run(self) -> None:
        """Poll again and again, until cancelled."""
        await self._found.wait()
        while (stream := self._stream) is not None:
            try:
                async with client_for(stream) as client:
                    await self._poll_while(stream, client)
            except ssl.SSLError:
                await self._pause("the certificates in stream.json cannot be read", 0)

    async def _poll_while(self, stream: Stream, client: httpx.AsyncClient) -> None:
        """Poll at one address until there is another."""
        failures = 0
        while stream is self._stream:
            try:
                news = await asyncio.wait_for(self._poll(stream, client), POLL_TIMEOUT)
            except (Lost, TimeoutError) as error:
                await self._pause(str(error) or "timed out", failures)
                failures += 1
            else:
                failures = 0
                self._note(StreamState(stream.url, connected=True))
                if news is not None:
                    await self._take(news)

    async def _poll(self, stream: Stream, client: httpx.AsyncClient) -> News | None:
        """What is new, if anything is. Raises `Lost`."""
        try:
            async with client.stream("POST", stream.url, content=self._words()) as response:
                if response.status_code == httpx.codes.NO_CONTENT:
                    return None
                if response.status_code != httpx.codes.OK:
                    raise Lost(f"answered {response.status_code}")
                version = response.headers.get(VERSION_HEADER, "")
                return News(version, await received(response))
        except httpx.HTTPError as error:
            raise Lost(f"{type(error).__name__}") from None

    def _words(self) -> bytes:
        """What is said with a poll."""
        current = self._store.current
        version, serial = (current.version, current.serial) if current else ("", 0)
        poll = Poll(
            pod=self._pod,
            version=version,
            serial=serial,
            refused=self._refused,
            reason=self._reason[:MAX_REASON],
            patient=self.state.connected,
        )
        return msgspec.json.encode(poll)

    async def _take(self, news: News) -> None:
        """Offer what came, and remember why it is refused if it is."""
        try:
            snapshot = await asyncio.to_thread(unpack, news.packed)
        except Refused as refused:
            self._store.refuse(self.name, str(refused))
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
        longest = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(failures, 16))
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


def client_for(stream: Stream) -> httpx.AsyncClient:
    """A client that trusts nobody but the operator. Raises `ssl.SSLError`."""
    return httpx.AsyncClient(
        verify=ssl.create_default_context(cadata=stream.ca),
        headers={"authorization": f"Bearer {stream.token}", "content-type": "application/json"},
        timeout=httpx.Timeout(POLL_TIMEOUT, connect=CONNECT_TIMEOUT),
        trust_env=False,
    )


async def received(response: httpx.Response) -> bytes:
    """The body as it travelled. Raises `Lost` when it is too large."""
    packed = b""
    async for piece in response.aiter_raw():
        packed += piece
        if len(packed) > MAX_PACKED:
            raise Lost("sent more than a snapshot can have")
    return packed
