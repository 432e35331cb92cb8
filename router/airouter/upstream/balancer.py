"""Balancing over the pods of a Service: each request goes to the one with the fewest in flight.

A `Balancer` stands where a credential has one `Pool` otherwise, and keeps a pool for each address.
Which addresses are ready is a fact of the cluster, so that requests of an older snapshot see it,
too: `pools.py` has one balancer follow the addresses of all snapshots. A pod that takes no
connection, or cuts an answer, rests by itself. Where none takes a connection, because the operator
is down and they are of long ago, the Service is asked by its name.
A later way to choose, such as by what a pod has in its cache, belongs into `choose`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from airouter.interfaces import ConnectError, Declined, NoneFree

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from airouter.http.reply import HttpReply
    from airouter.upstream.pool import Pool
    from airouter.upstream.websocket import WebSocket

T = TypeVar("T")

TRIES = 3
"""Addresses that one request is tried at, and then the name, before the backend has failed."""
COMPARED = 16
"""Pods that are looked at for each request: a Service may have thousands."""
REST = 5.0
"""Seconds for which an address that failed is left alone; then one request tries it."""


class Balancer:
    """An `interfaces.Dialer`: the pools of one credential, one for each ready address."""

    def __init__(self, open_pool: Callable[[str], Pool], by_name: Pool) -> None:
        """Open the pool of an address, such as `10.0.0.7:8000`, by `open_pool`."""
        self._open_pool = open_pool
        self._by_name = by_name
        self._pools: dict[str, Pool] = {}
        self._ready: tuple[Pool, ...] = ()
        self._resting: dict[Pool, float] = {}
        """Pools of pods that failed, and the end of their rest (`time.monotonic()`)."""
        self._turn = 0

    def follow(self, addresses: Collection[str]) -> None:
        """Balance over these addresses from now on.

        Connections to those that stay are left alone; on those that are gone requests in flight end
        in their own time, and nothing new begins.
        """
        for gone in self._pools.keys() - set(addresses):
            pool = self._pools.pop(gone)
            self._resting.pop(pool, None)
            pool.drain()
        for address in addresses:
            if address not in self._pools:
                self._pools[address] = pool = self._open_pool(address)
                pool.others_answer = self._rest_alone
        self._ready = tuple(self._pools.values())

    async def send(
        self,
        path: bytes,
        head: bytes,
        body: bytes,
        method: bytes = b"POST",
        *,
        streamed: bool = False,
    ) -> HttpReply:
        return await self._try(lambda pool: pool.send(path, head, body, method, streamed=streamed))

    async def dial(self, path: bytes, head: bytes) -> WebSocket:
        """See `interfaces.Dialer`."""
        return await self._try(lambda pool: pool.dial(path, head))

    def drain(self) -> None:
        """Keep no connection alive from now on. Requests in flight end in their own time."""
        for pool in (*self._ready, self._by_name):
            pool.drain()

    def close(self) -> None:
        """Cut every connection."""
        for pool in (*self._ready, self._by_name):
            pool.close()

    def choose(self, tried: Sequence[Pool]) -> Pool:
        """Return the pool to ask, none of those that were tried."""
        ready, resting = self._ready, self._resting
        self._turn += 1
        if ready and not tried and not resting:
            return least_busy(ready, self._turn)
        now = time.monotonic()
        awake = [each for each in ready if each not in tried and resting.get(each, 0.0) <= now]
        if not awake or len(tried) >= TRIES:
            return self._by_name
        chosen = least_busy(awake, self._turn)
        if chosen in resting:  # one request finds out whether it is back
            resting[chosen] = now + REST
        return chosen

    async def _try(self, ask: Callable[[Pool], Awaitable[T]]) -> T:
        """Ask one pool after the other until one takes a connection. Raises `UpstreamError`."""
        tried: tuple[Pool, ...] = ()
        first: ConnectError | None = None
        while True:
            pool = self.choose(tried)
            try:
                answer = await ask(pool)
            except (NoneFree, Declined):  # the address itself is in order
                raise
            except ConnectError as error:
                first = first or error
                if pool is self._by_name:
                    raise first from None
                tried = (*tried, pool)
                self._rest_alone(pool)
            else:
                self._resting.pop(pool, None)
                return answer

    def _rest_alone(self, pool: Pool) -> bool:
        """Leave a pod alone that has failed; return whether there are others that have not."""
        now = time.monotonic()
        if pool in self._ready:
            self._resting[pool] = now + REST
        return any(self._resting.get(each, 0.0) <= now for each in self._ready)


def least_busy(pools: Sequence[Pool], turn: int) -> Pool:
    """Return the pool with the fewest requests in flight, of those that are next by turns.

    Of equals it is another one at each turn.
    """
    start = turn % len(pools)
    best = pools[start]
    least = best.pressure
    for offset in range(1, min(len(pools), COMPARED)):
        if not least:
            break
        pool = pools[start - offset]
        if pool.pressure < least:
            best, least = pool, pool.pressure
    return best
