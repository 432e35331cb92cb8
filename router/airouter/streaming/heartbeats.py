"""Signs of life for clients whose streams are silent.

A proxy on the way to a client, or the client itself, gives up a connection over which nothing
comes. So the client of a stream gets what its protocol allows, before the first event and between
events. One sweep looks at all streams: a timer for each would cost more than all the rest.
"""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.dialects.joining.joined_answer import JoinedAnswer
    from airouter.interfaces import Exchange

logger = logging.getLogger("airouter.streaming")

FAILOVER_TIME = 1.0
"""Seconds after a time for the first token in which another backend may answer, or refuse: with the
first heartbeat the status of an answer is settled.
"""
OPENING_TIME = 2.0
"""Seconds that the opening of a stream is held back, at least, if its provider may take longer."""
SWEEP_EVERY = 1.0
"""Seconds between two sweeps, at most: a heartbeat comes up to so much late."""
SWEEPS = 15
"""Sweeps in the time of one heartbeat, at least."""


class RunningRelay(Protocol):
    """A provider's stream on its way to the client."""

    def progress(self) -> int:
        """Return a number that changes as the client gets something."""
        ...

    def end_if_whole(self) -> bool:
        """End a stream that lacks nothing but its provider's hanging up. Returns whether it did."""
        ...

    def end_hold(self) -> None:
        """Send the opening, unless the provider has a time to say something in."""
        ...


class ClientStream:
    """The stream of one client, over all attempts."""

    __slots__ = (
        "_exchange",
        "_heartbeat",
        "_progress",
        "_seen",
        "_sent_at",
        "_since",
        "_start",
        "every",
        "joined",
        "relay",
        "said",
    )

    def __init__(
        self,
        exchange: Exchange,
        start: Callable[[], None],
        heartbeat: bytes,
        every: float,
        now: float,
        first_token: float = 0.0,
    ) -> None:
        """`start` sends the head of an answer that has none yet.

        `every` is the longest silence, in seconds; 0.0 for a client that gets no heartbeats.
        `first_token` is the time that a backend has for its first token; 0.0 for any.
        """
        self._exchange = exchange
        self._start = start
        self._heartbeat = heartbeat
        self.every = every
        self.relay: RunningRelay | None = None
        """The stream of a provider that runs, if any."""
        self.said = False
        """True once the client has got anything of an answer."""
        self.joined: JoinedAnswer | None = None
        """That answer, where another backend can go on with it."""
        self._seen: RunningRelay | None = None
        self._since = 0.0
        """The time of the first sweep that saw the relay of now."""
        self._progress = 0
        self._sent_at = now
        """The time of the last sweep that saw something sent."""
        if first_token:
            self._sent_at += max(0.0, first_token + FAILOVER_TIME - every)

    def sweep(self, now: float) -> bool:
        """Send what is due: an opening that was held back for long enough, or a heartbeat.

        Returns whether it was a heartbeat.
        """
        relay = self.relay
        if relay is not self._seen:
            self._seen, self._since, self._progress = relay, now, 0
        if relay is not None and now - self._since >= OPENING_TIME:
            relay.end_hold()
        progress = 0 if relay is None else relay.progress()
        if progress != self._progress:
            self._progress, self._sent_at = progress, now
        elif self.every and now - self._sent_at >= self.every:
            self._sent_at = now
            if relay is None or not relay.end_if_whole():
                self._beat()
                return True
        return False

    def _beat(self) -> None:
        """Send a heartbeat, and the head of the answer before the first."""
        if not self._exchange.started:
            self._start()
        self._exchange.write(self._heartbeat)


class Heartbeats:
    """All streams of this process."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.sent = 0
        """Heartbeats so far."""
        self._clock = clock
        self._streams: set[ClientStream] = set()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, stream: ClientStream) -> None:
        """Look after a stream until `forget`."""
        self._streams.add(stream)
        if self._timer is None:
            self._wait(stream.every)

    def forget(self, stream: ClientStream) -> None:
        """Look no longer after a stream."""
        self._streams.discard(stream)

    def _wait(self, shortest: float) -> None:
        interval = min(SWEEP_EVERY, shortest / SWEEPS) if shortest else SWEEP_EVERY
        self._timer = asyncio.get_running_loop().call_later(interval, self._sweep)

    def _sweep(self) -> None:
        now = self._clock()
        for stream in list(self._streams):
            try:
                self.sent += stream.sweep(now)
            except Exception:  # or no stream of this process would be looked after any more
                logger.exception("a stream cannot be given signs of life")
                self._streams.discard(stream)
        self._timer = None
        if self._streams:
            self._wait(min(stream.every for stream in self._streams))
