"""The pace at which credentials, models and clients are looked at anew.

To read hundreds of them each second would cost more than all the rest of the page. Clients are
looked at once in some steps of time. Credentials and models take turns, so that no second has all
of them read, sent and laid out; one whose state changes is seen at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from airouter.telemetry.history import STEP

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from airouter.condition import Conditioned

T = TypeVar("T")

MANY = 500
"""Things: for each so many more of them a step lasts five seconds longer."""


class KeptView(Generic[T]):
    """The last look at something, as long as that is to be shown."""

    def __init__(self) -> None:
        self._moment: object = None
        self.seen: T | None = None

    def is_of(self, moment: object) -> bool:
        """Return whether it was seen at a moment."""
        return self.seen is not None and self._moment == moment

    def keep(self, moment: object, seen: T) -> T:
        """Show this until the moment is another."""
        self._moment, self.seen = moment, seen
        return seen


def paced(step: int, count: int) -> int:
    """Return the number of the step at which so many things are looked at."""
    return step // (1 + count // MANY)


def round_of(count: int) -> float:
    """Return the seconds in which each of so many things is looked at once."""
    return STEP * (1 + count // MANY)


class Rota:
    """Whose turn it is to be looked at: that of each of many things comes once in a round."""

    def __init__(self, count: int, seconds: float) -> None:
        """A round takes so many seconds."""
        self._count, self._seconds = count, seconds
        self._reached: int | None = None

    def due(self, now: float) -> AbstractSet[int]:
        """Return the places of those whose turn came since this was asked last; at first all.

        `now` is in seconds.
        """
        former, self._reached = self._reached, int(now / self._seconds * self._count)
        if former is None or self._reached - former >= self._count:
            return frozenset(range(self._count))
        return frozenset(place % self._count for place in range(former, self._reached))


def backend_states(router: Conditioned, now: float) -> object:
    """Return what the states of backends follow from: it compares equal until one changes."""
    bans = [
        (ban.key, ban.reason, ban.seconds, ban.count, ban.remaining == 0.0)
        for ban in router.bans.known(now)
    ]
    rests = [
        (credential, name, rest.until, rest.until > now, rest.asked_until > now)
        for credential, load in router.loads.items()
        for name, rest in load.resting.items()
    ]
    return dict(router.unusable()), bans, rests
