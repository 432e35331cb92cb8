"""Balancing over the pods of a Service: each request goes to the one with the fewest in flight.

A conversation that is to stay goes to the same pod each time, where the cache knows how its prompt
begins: by rendezvous hashing with bounded load, as `routing/affinity.py` does among backends, and
where it had to leave its pod by `moved_between_pods.py`.

A `Balancer` stands where a credential has one `Pool` otherwise, and keeps a pool for each address.
Which addresses are ready is a fact of the cluster, so that requests of an older snapshot see it,
too: `pools.py` has one balancer follow the addresses of all snapshots. A pod that takes no
connection, or cuts an answer, rests by itself. Where none takes a connection, because the operator
is down and they are of long ago, the Service is asked by its name.
"""

from __future__ import annotations

import time
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar

from airouter.interfaces import ConnectError, Declined, NoneFree
from airouter.upstream.moved_between_pods import MovedBetweenPods

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from airouter.http.reply import HttpReply
    from airouter.interfaces import StayingConversation
    from airouter.upstream.pool import Pool
    from airouter.upstream.websocket import WebSocket

T = TypeVar("T")

TRIES = 3
"""Addresses that one request is tried at, and then the name, before the backend has failed."""
COMPARED = 16
"""Pods that are looked at for each request: a Service may have thousands."""
BOUND, SLACK = 1.25, 4
"""Requests in flight at a pod that takes those of its conversations: so many times its share, and
some more, as of a few one more or less says nothing."""
MOST_HOMES = 8_192
"""Conversations whose pod is remembered, so that it need not be found anew for each request."""
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
        self._homes: dict[bytes, Pool] = {}
        """The pods of conversations, as long as the same ones are ready."""
        self._moved = MovedBetweenPods()

    def follow(self, addresses: Collection[str]) -> None:
        """Balance over these addresses from now on.

        Connections to those that stay are left alone; on those that are gone requests in flight end
        in their own time, and nothing new begins.
        """
        gone = {self._pools.pop(address) for address in self._pools.keys() - set(addresses)}
        for pool in gone:
            self._resting.pop(pool, None)
            pool.drain()
        for address in addresses:
            if address not in self._pools:
                self._pools[address] = pool = self._open_pool(address)
                pool.others_answer = self._rest_alone
        ready = tuple(self._pools.values())
        if gone:
            self._moved.note_gone(gone, self._homes, time.monotonic())
        if ready != self._ready:
            self._ready = ready
            self._homes.clear()

    async def send(
        self,
        path: bytes,
        head: bytes,
        body: bytes,
        method: bytes = b"POST",
        *,
        streamed: bool = False,
        conversation: StayingConversation | None = None,
    ) -> HttpReply:
        """See `interfaces.Upstream`; `conversation` is one that stays with its pod."""
        return await self._try(
            lambda pool: pool.send(path, head, body, method, streamed=streamed), conversation
        )

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

    def choose(
        self, tried: Sequence[Pool], conversation: StayingConversation | None = None
    ) -> Pool:
        """Return the pool to ask, none of those that were tried."""
        ready, resting = self._ready, self._resting
        if conversation is not None and len(ready) > 1 and not tried:
            seat = self._seat_of(conversation)
            if seat not in resting and (seat.pressure < SLACK or is_below_bound(seat, ready)):
                return seat
        self._turn += 1
        if ready and not tried and not resting and conversation is None:
            return least_busy(ready, self._turn)
        now = time.monotonic()
        awake = [each for each in ready if each not in tried and resting.get(each, 0.0) <= now]
        if not awake or len(tried) >= TRIES:
            return self._by_name
        if conversation is None:
            chosen = least_busy(awake, self._turn)
        else:
            chosen = self._next_home(conversation.key, awake)
        if chosen in resting:  # one request finds out whether it is back
            resting[chosen] = now + REST
        return chosen

    def _seat_of(self, conversation: StayingConversation) -> Pool:
        """Return the pod that a conversation stays with: its home, unless it had to move."""
        if len(self._moved):
            refuge = self._moved.refuge_of(conversation, time.monotonic())
            if refuge is not None:
                return refuge
        return self._home_of(conversation.key)

    def _home_of(self, key: bytes) -> Pool:
        """Return the pod that a conversation is at home with, of those that are ready."""
        home = self._homes.get(key)
        if home is None:
            home = self._by_rank(key, self._ready)[0]
            if len(self._homes) >= MOST_HOMES:
                self._homes.clear()
            self._homes[key] = home
        return home

    def _next_home(self, key: bytes, awake: Sequence[Pool]) -> Pool:
        """Return the first pod of a conversation that may be asked and has room."""
        order = self._by_rank(key, awake)
        return next((pool for pool in order if is_below_bound(pool, self._ready)), order[0])

    def note_answer(self, conversation: StayingConversation, pool: Pool) -> None:
        """Take note of the pod that has answered a conversation, which stays there."""
        home = self._homes.get(conversation.key)
        if (pool is not home or len(self._moved)) and pool in self._ready:
            self._moved.note_answer(conversation, home, pool, time.monotonic())

    def _by_rank(self, key: bytes, pools: Collection[Pool]) -> list[Pool]:
        """Return pods in the order that is a conversation's own, the same in every replica."""
        wanted = set(pools)
        ranks = {
            pool: blake2b(key + address.encode(), digest_size=8).digest()
            for address, pool in self._pools.items()
            if pool in wanted
        }
        return sorted(ranks, key=ranks.__getitem__, reverse=True)

    async def _try(
        self, ask: Callable[[Pool], Awaitable[T]], conversation: StayingConversation | None = None
    ) -> T:
        """Ask one pool after the other until one takes a connection. Raises `UpstreamError`."""
        tried: tuple[Pool, ...] = ()
        first: ConnectError | None = None
        while True:
            pool = self.choose(tried, conversation)
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
                if conversation is not None:
                    self.note_answer(conversation, pool)
                return answer

    def _rest_alone(self, pool: Pool) -> bool:
        """Leave a pod alone that has failed; return whether there are others that have not."""
        now = time.monotonic()
        if pool in self._ready:
            self._resting[pool] = now + REST
        return any(self._resting.get(each, 0.0) <= now for each in self._ready)


def is_below_bound(pool: Pool, ready: Sequence[Pool]) -> bool:
    """Return whether a pod may take one more request for the sake of its cache."""
    in_flight = sum(each.pressure for each in ready) + 1
    return pool.pressure + 1 <= BOUND * in_flight / len(ready) + SLACK


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
