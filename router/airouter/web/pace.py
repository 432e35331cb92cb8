"""The pace at which credentials, models and clients are looked at anew.

Their numbers are those of steps of time, as the curves are, and of longer ones the more there are:
to read hundreds of them each second would cost more than all the rest of the page. A backend whose
state changes is seen at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
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
