"""The models that are served, by name and alias, with their backends in the order of preference."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Generic, TypeVar

from airouter.bookkeeping.window import step_of
from airouter.failures import model_not_found
from airouter.routing.budget import Budget
from airouter.routing.rest import Rest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from airouter.config.snapshot import Model
    from airouter.costs import PriceList
    from airouter.limits.counters import Counters

T = TypeVar("T")


class Load:
    """The state of a credential. Lives as long as the process, so a reload forgets nothing."""

    __slots__ = ("budget", "headroom", "hedges", "in_flight", "mark", "resting")

    def __init__(self) -> None:
        self.in_flight = 0
        self.mark = ""
        """Of the key that the credential has now (`marks.py`)."""
        self.budget = Budget()
        self.hedges = Budget()
        self.resting: dict[str, Rest] = {}
        """Upstream name to its rest, for those that failed last."""
        self.headroom: dict[str, tuple[float, float]] = {}
        """Upstream name to the share that its limits leave, and until when that holds."""

    def call_by(self, mark: str) -> None:
        """Forget what another key has led to: one that was refused, or whose limits are used up."""
        if mark != self.mark:
            self.mark = mark
            self.resting.clear()
            self.headroom.clear()


class Backend(Generic[T]):
    """One way to answer for a model. `target` is what the pipeline sends requests to."""

    __slots__ = (
        "credential",
        "has_pods",
        "limits",
        "load",
        "mark",
        "seat",
        "target",
        "upstream_name",
        "weight",
    )

    def __init__(
        self,
        credential: str,
        upstream_name: str,
        weight: int,
        load: Load,
        target: T,
        limits: Counters | None = None,
    ) -> None:
        self.credential = credential
        self.upstream_name = upstream_name
        self.weight = weight
        self.load = load
        self.target = target
        self.limits = limits
        self.mark = load.mark
        self.has_pods = False
        """True where a conversation may stay with one of several pods."""
        self.seat = f"{credential}/{upstream_name}".encode()
        """Its name for `affinity.py`, the same in every replica."""

    def has_room(self, now: float) -> bool:
        """Return whether its limits and its provider's allow another request, if a small one."""
        headroom = self.load.headroom
        if self.upstream_name in headroom:
            share, until = headroom[self.upstream_name]
            if now >= until:
                del headroom[self.upstream_name]
            elif share <= 0.0:
                return False
        return self.limits is None or self.limits.may_have_room(step_of(now))

    def is_limited(self, now: float) -> bool:
        """Return whether its limits, or its provider's, keep it from being asked now."""
        rest = self.rest
        if rest is not None and rest.limited and rest.until > now:
            return True
        return not self.has_room(now)

    @property
    def is_former(self) -> bool:
        """True where the credential has another key by now: what this one does says nothing."""
        return self.mark != self.load.mark

    @property
    def rest(self) -> Rest | None:
        """The rest of the backend; None for one that did not fail last."""
        resting = self.load.resting
        return resting.get(self.upstream_name) if resting else None

    @property
    def resting_until(self) -> float:
        """The end of the rest, on the clock of `time.monotonic()`; 0.0 without any."""
        rest = self.rest
        return 0.0 if rest is None else rest.until

    def begin_rest(self) -> Rest:
        """Return the rest of the backend, a new one where it has none."""
        return self.load.resting.setdefault(self.upstream_name, Rest())

    def recover(self) -> None:
        """End the rest, as the backend has answered."""
        self.load.resting.pop(self.upstream_name, None)


class Tier(Generic[T]):
    """Backends of equal priority."""

    __slots__ = ("_marks", "backends")

    def __init__(self, backends: list[Backend[T]]) -> None:
        self.backends = backends
        self._marks = list(accumulate(backend.weight for backend in backends))

    def draw(self, chance: float) -> Backend[T]:
        """Return a backend by its weight; `chance` is from 0.0 up to, without, 1.0."""
        return self.backends[bisect_right(self._marks, chance * self._marks[-1])]


class Route(Generic[T]):
    """A model and its backends, best tier first."""

    __slots__ = (
        "backends",
        "fallbacks",
        "is_unpriced",
        "model",
        "name",
        "native",
        "offers",
        "prices",
        "sessions_only",
        "several",
        "tiers",
    )

    def __init__(self, model: Model, tiers: list[Tier[T]]) -> None:
        self.model = model
        self.name = model.name
        self.tiers = tiers
        self.backends = [backend for tier in tiers for backend in tier.backends]
        self.several = any(len(t.backends) > 1 or t.backends[0].has_pods for t in tiers)
        """True where a conversation may stay with one of several backends of a tier, or pods."""
        self.native = False
        """True where every backend speaks the client's own dialect."""
        self.prices: tuple[PriceList, ...] = ()
        """Those of its backends, each once."""
        self.is_unpriced = False
        """True where there is no backend because none has a price."""
        self.sessions_only = False
        """True where there is no backend because all of them serve sessions alone."""
        self.offers: tuple[str, ...] = ()
        """APIs that the model has instead, where no credential of it offers this one."""
        self.fallbacks = model.fallbacks
        """Names of the models that may answer instead."""

    def only(self, credential: str) -> Route[T]:
        """Return a route with the backends of one credential alone, and no fallbacks."""
        tiers = [
            [backend for backend in tier.backends if backend.credential == credential]
            for tier in self.tiers
        ]
        route = Route(self.model, [Tier(backends) for backends in tiers if backends])
        route.fallbacks = ()
        return route

    def preferring(self, credential: str) -> Route[T]:
        """Return a route with the backends of one credential before all others."""
        return Route(self.model, [*self.only(credential).tiers, *self.tiers])


class Catalog(Generic[T]):
    """The routes of one snapshot, each made when it is first asked for.

    So a change of one model costs what that model costs, however many there are.
    """

    def __init__(self, models: Mapping[str, Model], make: Callable[[Model], Route[T]]) -> None:
        """`models` is name or alias to model."""
        self._models = models
        self._make = make
        self._routes: dict[str, Route[T]] = {}

    def resolve(self, name: str) -> Route[T]:
        """Return the route of a public name or alias. Raises `Failure` 404."""
        route = self.find(name)
        if route is None:
            raise model_not_found(name)
        return route

    def find(self, name: str) -> Route[T] | None:
        """Return the route of a public name or alias, or None."""
        route = self._routes.get(name)
        if route is None:
            model = self._models.get(name)
            if model is None:
                return None
            route = self._routes.get(model.name) or self._make(model)
            self._routes[name] = self._routes[model.name] = route
        return route

    def fallbacks_of(self, route: Route[T]) -> Iterator[Route[T]]:
        """Return the models that may answer instead, the best first."""
        return (self.resolve(name) for name in route.fallbacks if name in self._models)


def by_name(models: Iterable[Model]) -> dict[str, Model]:
    """Return models by their names and aliases; a name goes before another model's alias."""
    named = {model.name: model for model in models}
    for model in list(named.values()):
        for alias in model.aliases:
            named.setdefault(alias, model)
    return named
