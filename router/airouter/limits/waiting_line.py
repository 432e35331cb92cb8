"""Requests of batch clients that wait for room instead of being refused.

Those of one client wait in a row, so that the first to come is the first to go; only that one
tries, whenever there may be room. Requests of interactive clients never wait, and so go first.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from airouter.config.snapshot import BatchQueue
from airouter.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airouter.limits.permit import Permit

LONGEST_SLEEP = 0.25
"""Seconds between two tries: room may be there early, when somebody gives back what he reserved."""


class WaitingLine:
    """The requests that wait, of all clients."""

    def __init__(self) -> None:
        self._bounds = BatchQueue()
        self._rows: dict[str, Row] = {}
        self._waiting = 0

    def limit(self, bounds: BatchQueue) -> None:
        """Set how many may wait, and how long."""
        self._bounds = bounds

    async def wait(
        self, tenant: str, reserve: Callable[[], Awaitable[Permit]], refused: Failure
    ) -> Permit:
        """Return what `reserve` does, once it does not raise. Raises its last `Failure`."""
        if self._waiting >= self._bounds.length:
            raise refused
        row = self._rows.setdefault(tenant, Row())
        row.length += 1
        self._waiting += 1
        try:
            async with asyncio.timeout(self._bounds.max_wait) as limit, row.head:
                return await at_the_head(reserve, refused, limit)
        except TimeoutError:
            raise refused from None
        finally:
            self._waiting -= 1
            row.length -= 1
            if not row.length:
                del self._rows[tenant]


class Row:
    """The requests of one client that wait."""

    def __init__(self) -> None:
        self.head = asyncio.Lock()
        """Held by the one that tries; the others get it in their order."""
        self.length = 0


async def at_the_head(
    reserve: Callable[[], Awaitable[Permit]], refused: Failure, limit: asyncio.Timeout
) -> Permit:
    """Try until there is room, or until it is clear that there will be none in time."""
    now, until = asyncio.get_running_loop().time, limit.when()
    while True:
        wait = refused.retry_after
        if wait is None or (until is not None and now() + wait > until):
            raise refused
        await asyncio.sleep(min(wait, LONGEST_SLEEP))
        try:
            return await reserve()
        except Failure as again:
            refused = again
