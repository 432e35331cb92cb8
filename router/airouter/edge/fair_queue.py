"""Fair queueing: of what is asked at once, each client's requests are begun in their turn.

One pass of the event loop may bring hundreds of requests, each a fraction of a millisecond to
begin, and one that comes meanwhile would wait for all of them. A pass begins what its share of time
allows; the rest waits for the next ones, which go round the clients (J. Nagle, "On Packet Switches
With Infinite Storage", RFC 970, 1985). Where there is no crowd, nothing waits.
"""

from __future__ import annotations

import sys
from collections import OrderedDict, deque
from time import monotonic
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from airouter.interfaces import Headers

SHARE = 0.01
"""Seconds of a pass in which requests are begun."""
UNSEEN = 32
"""Requests that are begun between two looks at the clock."""
MOST = 64 if sys.version_info < (3, 12) else 4_096
"""Requests that one pass begins: before Python 3.12 their work follows it, and is not measured."""


class Queued(Protocol):
    """A request that waits in a queue."""

    given: Headers
    """Its headers, which name its client."""

    @property
    def gone(self) -> bool:
        """True once its client has left."""

    def run(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin it."""


class FairQueue:
    """The requests of all connections that wait to be begun: one at most on each."""

    __slots__ = ("_begun", "_client_of", "_loop", "_passing", "_until", "_waiting", "unseen")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, client_of: Callable[[Headers], str]
    ) -> None:
        """`client_of` names the client of a request by its headers."""
        self._loop = loop
        self._client_of = client_of
        self._waiting: OrderedDict[str, deque[Queued]] = OrderedDict()
        """By client, in the order in which these have their turns."""
        self.unseen = UNSEEN
        """Requests that are begun before the next is asked of by `has_room`."""
        self._passing = False
        """Whether this pass of the loop is measured, and the next one scheduled."""
        self._until = 0.0
        self._begun = 0

    def has_room(self, request: Queued) -> bool:
        """Return whether this pass has time for a request; it is run in its turn otherwise."""
        if not self._passing:
            self._measure()
        if not self._waiting and self._has_time():
            self._begun += UNSEEN
            self.unseen = UNSEEN
            return True
        self._waiting.setdefault(self._client_of(request.given), deque()).append(request)
        return False

    def _measure(self) -> None:
        """Measure this pass."""
        self._passing = True
        self._until = monotonic() + SHARE
        self._begun = 0
        self._loop.call_soon(self._go_on)

    def _has_time(self) -> bool:
        return self._begun < MOST and monotonic() < self._until

    def _go_on(self) -> None:
        """Begin what has waited, in a new pass."""
        self._passing = False
        if self._waiting:
            self._measure()
        while self._waiting and self._has_time():
            client, waiting = self._waiting.popitem(last=False)
            request = waiting.popleft()
            if waiting:
                self._waiting[client] = waiting
            if not request.gone:
                self._begun += 1
                request.run(self._loop)
