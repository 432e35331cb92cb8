"""The cards of credentials and the rows of models: some are read anew each second, in turn.

One whose state changes is read at once, as states are what somebody at night looks for.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from airouter.web.cards import CardReader, card_level
from airouter.web.pace import Turns, backend_states, round_of
from airouter.web.tables import ModelReader, model_level

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airouter.config.snapshot import Snapshot
    from airouter.web.board import PagePart
    from airouter.web.view import Viewed

TROUBLE_FIRST = ("bad", "warn", "ok")
"""Levels, in the order in which cards and rows stand."""

Thing = TypeVar("Thing")
Thing_contra = TypeVar("Thing_contra", contravariant=True)
State = TypeVar("State")


class Reader(Protocol[Thing_contra, State]):
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
        self._turns = Turns(len(things), seconds)
        self._read: dict[int, _Read[State]] = {}
        self.parts: list[PagePart] = []
        """Those in trouble first; another list once one of them was read."""

    def renew(self, reader: Reader[Thing, State], now: float, *, has_moved: bool) -> None:
        """Read those that are due; where a state has moved, those whose states are others, too."""
        due = self._turns.due(now)
        for place in range(len(self._things)) if has_moved else due:
            thing, former = self._things[place], self._read.get(place)
            state = reader.state(thing)
            if place in due or former is None or former.state != state:
                part = reader.part(place, thing, state)
                self._read[place] = _Read(state, self._level(state), part)
        if due or has_moved:
            read = [self._read[place] for place in range(len(self._things))]
            read.sort(key=lambda each: TROUBLE_FIRST.index(each.level))
            self.parts = [each.part for each in read]

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
        seconds = round_of(len(snapshot.credentials) + len(snapshot.models))
        self.credentials = ReadParts(snapshot.credentials, card_level, seconds)
        self.models = ReadParts(snapshot.models, model_level, seconds)
        self._states: object = None

    def renew(self) -> None:
        """Read those that are due, and those whose states have changed."""
        router, now = self._router, self._clock()
        states = backend_states(router, monotonic())
        has_moved, self._states = states != self._states, states
        self.credentials.renew(CardReader(router, self._epoch), now, has_moved=has_moved)
        self.models.renew(ModelReader(router), now, has_moved=has_moved)
