"""The cards of credentials and the rows of models: some are read anew each second, in turn.

One whose state changes is read at once, as states are what somebody at night looks for.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from airouter.web.cards import CardReader, card_level
from airouter.web.pace import Rota, backend_states, paced, round_of
from airouter.web.tables import ModelReader, model_level

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airouter.config.snapshot import Snapshot
    from airouter.telemetry.history import Recent
    from airouter.web.board import PagePart
    from airouter.web.view import Viewed

TROUBLE_FIRST = ("bad", "warn", "ok")
"""Levels, in the order in which cards and rows stand."""

Thing = TypeVar("Thing")
Thing_contra = TypeVar("Thing_contra", contravariant=True)
State = TypeVar("State")


class BackendReader(Protocol[Thing_contra, State]):
    """Reads things of a kind, all at one moment."""

    def state(self, thing: Thing_contra, /) -> State: ...

    def part(self, place: int, thing: Thing_contra, state: State, /) -> PagePart: ...


class _Read(NamedTuple, Generic[State]):
    state: State
    level: str
    part: PagePart


class ReadParts(Generic[Thing, State]):
    """The parts of things of a kind, each as it was read last."""

    def __init__(
        self, things: Sequence[Thing], level: Callable[[State], str], seconds: float
    ) -> None:
        """Each is read once in so many seconds; `level` returns how bad a state is."""
        self._things, self._level = things, level
        self._rota = Rota(len(things), seconds)
        self._read: dict[int, _Read[State]] = {}
        self._order: list[int] = []
        self.parts: list[PagePart] = []
        """Those in trouble first; another list once one of them was read."""

    def renew(self, reader: BackendReader[Thing, State], now: float, *, has_moved: bool) -> None:
        """Read those that are due; where a state has moved, those whose states are others, too."""
        due, known = self._rota.due(now), self._read
        is_in_order = bool(self._order)
        for place in range(len(self._things)) if has_moved else due:
            thing, former = self._things[place], known.get(place)
            state = reader.state(thing)
            if place in due or former is None or former.state != state:
                level, part = self._level(state), reader.part(place, thing, state)
                known[place] = _Read(state, level, part)
                is_in_order = is_in_order and former is not None and former.level == level
        if not is_in_order:
            places = range(len(self._things))
            self._order = sorted(places, key=lambda each: TROUBLE_FIRST.index(known[each].level))
        if due or has_moved:
            self.parts = [known[place].part for place in self._order]

    def count(self, level: str) -> int:
        """Return the number of those whose states are as bad as this."""
        return sum(each.level == level for each in self._read.values())


class BackendParts:
    """The parts of the credentials and the models of a snapshot."""

    def __init__(
        self, router: Viewed, snapshot: Snapshot, epoch: float, clock: Callable[[], float]
    ) -> None:
        """`epoch` is the Unix time at the monotonic clock's zero; `clock` paces, in seconds."""
        self.snapshot = snapshot
        self._router, self._epoch, self._clock = router, epoch, clock
        self._count = len(snapshot.credentials) + len(snapshot.models)
        seconds = round_of(self._count)
        self.credentials = ReadParts(snapshot.credentials, card_level, seconds)
        # Theirs are numbers of five minutes, which need no more.
        self.models = ReadParts(snapshot.models, model_level, 2 * seconds)
        self._states: object = None
        self._summed: tuple[int, Recent] | None = None

    def renew(self) -> None:
        """Read those that are due, and those whose states have changed."""
        router, now = self._router, self._clock()
        states = backend_states(router, monotonic())
        has_moved, self._states = states != self._states, states
        recent = self._recent(paced(router.history.step, self._count))
        cards = CardReader(router, recent, self._epoch)
        self.credentials.renew(cards, now, has_moved=has_moved)
        self.models.renew(ModelReader(router, recent), now, has_moved=has_moved)

    def _recent(self, step: int) -> Recent:
        """Return the sums that are shown in a step of a round's length."""
        if self._summed is None or self._summed[0] != step:
            self._summed = step, self._router.history.recent()
        return self._summed[1]
