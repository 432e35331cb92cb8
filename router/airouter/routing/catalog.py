"""The models that are served, by name and alias, with their backends in the order of preference."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Generic, TypeVar

from airouter.failures import model_not_found

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airouter.config.snapshot import Model

T = TypeVar("T")


class Load:
    """How busy a credential is. Lives as long as the process, so a reload forgets nothing."""

    __slots__ = ("in_flight", "resting")

    def __init__(self) -> None:
        self.in_flight = 0
        self.resting: dict[str, float] = {}
        """Upstream name to when its provider is ready again, on the clock of `time.monotonic()`."""


class Backend(Generic[T]):
    """One way to answer for a model. `target` is what the pipeline sends requests to."""

    __slots__ = ("credential", "load", "target", "upstream_name", "weight")

    def __init__(
        self, credential: str, upstream_name: str, weight: int, load: Load, target: T
    ) -> None:
        self.credential = credential
        self.upstream_name = upstream_name
        self.weight = weight
        self.load = load
        self.target = target

    @property
    def resting_until(self) -> float:
        """When `Retry-After` ends, on the clock of `time.monotonic()`; 0.0 if nothing was asked."""
        resting = self.load.resting
        return resting.get(self.upstream_name, 0.0) if resting else 0.0

    def rest(self, until: float) -> None:
        """Its provider asked to be left alone."""
        self.load.resting[self.upstream_name] = until


class Tier(Generic[T]):
    """Backends of equal priority."""

    __slots__ = ("_marks", "backends")

    def __init__(self, backends: list[Backend[T]]) -> None:
        self.backends = backends
        self._marks = list(accumulate(backend.weight for backend in backends))

    def draw(self, chance: float) -> Backend[T]:
        """A backend by its weight; `chance` is from 0.0 up to, without, 1.0."""
        return self.backends[bisect_right(self._marks, chance * self._marks[-1])]


class Route(Generic[T]):
    """A model and its backends, best tier first."""

    __slots__ = ("backends", "fallbacks", "model", "name", "native", "sessions_only", "tiers")

    def __init__(self, model: Model, tiers: list[Tier[T]]) -> None:
        self.model = model
        self.name = model.name
        self.tiers = tiers
        self.backends = [backend for tier in tiers for backend in tier.backends]
        self.native = False
        """Whether every backend speaks the client's own dialect."""
        self.sessions_only = False
        """Whether there is no backend because all of them serve sessions alone."""
        self.fallbacks: list[Route[T]] = []

    def only(self, credential: str) -> Route[T]:
        """The same model with the backends of one credential, and no fallbacks."""
        tiers = [
            [backend for backend in tier.backends if backend.credential == credential]
            for tier in self.tiers
        ]
        return Route(self.model, [Tier(backends) for backends in tiers if backends])

    def preferring(self, credential: str) -> Route[T]:
        """The same with the backends of one credential before all others."""
        route = Route(self.model, [*self.only(credential).tiers, *self.tiers])
        route.fallbacks = self.fallbacks
        return route


class Catalog(Generic[T]):
    """All routes of one snapshot."""

    def __init__(self, routes: Iterable[Route[T]]) -> None:
        self._listed = {route.name: route for route in routes}
        self._by_name = dict(self._listed)
        for route in self._listed.values():
            for alias in route.model.aliases:
                self._by_name.setdefault(alias, route)
            route.fallbacks = [
                self._listed[name] for name in route.model.fallbacks if name in self._listed
            ]

    def resolve(self, name: str) -> Route[T]:
        """The route of a public name or alias. Raises `Failure` 404."""
        route = self._by_name.get(name)
        if route is None:
            raise model_not_found(name)
        return route

    def __iter__(self) -> Iterator[Route[T]]:
        return iter(self._listed.values())
