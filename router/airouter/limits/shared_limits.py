"""The limiter of a process, its leases, and its connection to the ledger that they come from."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from airouter.limits.ledger.exchanger import Exchanger
from airouter.limits.ledger.leases import Leases
from airouter.limits.limiter import Limiter

if TYPE_CHECKING:
    from airouter.config.snapshot import Snapshot


class SharedLimits:
    """Connects a limiter with the ledger of a snapshot. Lives as long as the process."""

    def __init__(self, pod: str) -> None:
        """`pod` is the name that the next process in this place has, too."""
        self._leases = Leases(pod, monotonic)
        self.limiter = Limiter(leases=self._leases)
        self._url: str | None = None
        self._exchanger: Exchanger | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def reload(self, snapshot: Snapshot) -> None:
        """Set the limits of a snapshot, and speak with its ledger. Needs an event loop."""
        self.limiter.reload(snapshot)
        url = snapshot.redis_url if snapshot.ledger == "Redis" else None
        if url != self._url:
            self._connect(url)

    def as_json(self) -> dict[str, object] | None:
        """Return what health tells of the ledger; None where there is none."""
        return None if self._exchanger is None else self._leases.as_json()

    async def close(self) -> None:
        """Leave the ledger."""
        if self._exchanger is not None:
            await self._exchanger.leave()

    def _connect(self, url: str | None) -> None:
        former, self._exchanger, self._url = self._exchanger, None, url
        if former is not None:
            closing = asyncio.ensure_future(former.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        if url is not None:
            from airouter.limits.ledger.redis import RedisLedger  # noqa: PLC0415 - only where used

            self._exchanger = Exchanger(self._leases, RedisLedger(url))
            self._exchanger.start()
        self.limiter.ask = None if self._exchanger is None else self._exchanger.ask
