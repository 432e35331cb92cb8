"""Conversations that had to leave their pod: each stays for a while with the one that answered it.

As `routing/moved.py` does among backends: a home that rests, is full, or is not ready for a moment,
would be returned to as soon as it is well, and the cache of the pod that took its place be lost. A
pod that is new is no reason to stay: its share of the conversations is at home there.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from airouter.interfaces import StayingConversation
    from airouter.upstream.pool import Pool

MOST_MOVED = 8_192
"""Conversations that are remembered for one Service: some 2 MB."""
OVER_AT_ONCE = 2
"""Conversations that are forgotten, once their time is over, for each that comes."""


class Refuge(NamedTuple):
    """The pod of a conversation that is not at home."""

    pool: Pool | None
    """None for a conversation whose pod has gone, until another one answers it."""
    answered: float
    """When that was (`time.monotonic()`)."""


class MovedBetweenPods:
    """The pods of conversations that had to move."""

    def __init__(self, most: int = MOST_MOVED) -> None:
        self._most = most
        self._refuges: OrderedDict[bytes, Refuge] = OrderedDict()
        """By the keys of conversations, the ones answered longest ago first."""

    def __len__(self) -> int:
        return len(self._refuges)

    def refuge_of(self, conversation: StayingConversation, now: float) -> Pool | None:
        """Return the pod that a conversation stays with; None where that is its home."""
        refuge = self._refuges.get(conversation.key)
        if refuge is None or now >= refuge.answered + conversation.ttl:
            return None
        return refuge.pool

    def note_answer(
        self, conversation: StayingConversation, home: Pool | None, pool: Pool, now: float
    ) -> None:
        """Take note of the pod that has answered; `home` is None where nobody knows it."""
        key = conversation.key
        refuge = self._refuges.pop(key, None)
        is_away = home is not None and pool is not home
        if refuge is not None:  # at home now, but not for as long as another pod was ready
            is_away = is_away or refuge.pool is None or refuge.pool is pool
        if is_away and conversation.ttl > 0.0:
            self._refuges[key] = Refuge(pool, now)
            self._forget_some(now - conversation.ttl)

    def note_gone(self, gone: Collection[Pool], homes: Mapping[bytes, Pool], now: float) -> None:
        """Take note of pods that have gone, and of the homes that conversations had until now."""
        for key, refuge in self._refuges.items():
            if refuge.pool in gone:
                self._refuges[key] = Refuge(None, refuge.answered)
        for key, pool in homes.items():
            if pool in gone and key not in self._refuges:
                self._refuges[key] = Refuge(None, now)
        while len(self._refuges) > self._most:
            self._refuges.popitem(last=False)

    def _forget_some(self, answered: float) -> None:
        """Forget some of those that nobody has answered since, and what is too many."""
        refuges = self._refuges
        for _ in range(OVER_AT_ONCE):
            if len(refuges) > self._most or next(iter(refuges.values())).answered <= answered:
                refuges.popitem(last=False)
