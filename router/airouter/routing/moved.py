"""Conversations that had to move: each stays for a while with the backend that answered it last.

Where a conversation is at home is computed (`affinity.py`). Its home may be paused, banned or full;
then another backend learns how its prompt begins, and a return as soon as the home is well would
lose that cache. So those that were answered elsewhere are remembered, and nobody else: a
conversation at home costs a look at a flag. Each replica remembers its own.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, TypeVar

from airouter.routing.affinity import fair_load, first_choice, next_with_room, takes_more

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.routing.affinity import StickyConversation
    from airouter.routing.catalog import Backend, Route

T = TypeVar("T")

MOST_MOVED = 65_536
"""Conversations that are remembered, of all models together: some 20 MB."""
OVER_AT_ONCE = 2
"""Conversations that are forgotten, once their time is over, for each that comes."""


class MovedConversations:
    """The backends of conversations that are not at home. Lives as long as the process."""

    def __init__(self, most: int = MOST_MOVED) -> None:
        self._most = most
        self._seats: OrderedDict[tuple[bytes, str], tuple[bytes, float]] = OrderedDict()
        """Conversation and model to the seat of a backend, and when it has answered last (on the
        clock of `time.monotonic()`): the ones answered longest ago first."""

    def __len__(self) -> int:
        return len(self._seats)

    def place(
        self,
        conversation: StickyConversation,
        model: str,
        tier: Sequence[Backend[T]],
        awake: Sequence[Backend[T]],
        now: float,
    ) -> Backend[T]:
        """Return the backend of a conversation, of those of a tier that may be chosen now.

        That is the one that has answered it last, if it moved; else the first of its order that has
        room. There is at least one.
        """
        fair = fair_load(awake)
        if self._seats:
            found = self._seats.get((conversation.key, model))
            if found is not None:
                conversation.is_away = True
                seat, answered = found
                refuge = next((each for each in awake if each.seat == seat), None)
                is_fresh = now < answered + conversation.ttl
                if refuge is not None and is_fresh and takes_more(refuge, fair):
                    return refuge
        first = first_choice(conversation.key, awake)
        if takes_more(first, fair):
            if len(awake) < len(tier):
                conversation.is_away = True
            return first
        conversation.is_away = True
        return next_with_room(conversation.key, awake, fair)

    def note_answer(
        self, conversation: StickyConversation, route: Route[T], backend: Backend[T], now: float
    ) -> None:
        """Take note of an answer to a conversation that may be away from home.

        What a fallback answers moves nothing: the model itself comes first again.
        """
        tier = next((each.backends for each in route.tiers if backend in each.backends), None)
        if tier is None:
            return
        key = conversation.key, route.name
        self._seats.pop(key, None)
        if conversation.ttl > 0.0 and backend is not first_choice(conversation.key, tier):
            self._seats[key] = backend.seat, now
            self._forget_some(now - conversation.ttl)

    def _forget_some(self, answered: float) -> None:
        """Forget some of those that nobody has answered since, and what is too many."""
        seats = self._seats
        for _ in range(OVER_AT_ONCE):
            if len(seats) > self._most or next(iter(seats.values()))[1] <= answered:
                seats.popitem(last=False)
