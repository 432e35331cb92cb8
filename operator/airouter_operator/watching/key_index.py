"""The index of RouterKeys: by the RouterConfig, the Secret and the namespace of each."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from airouter_operator.key_secret import router_of_key, secret_of_key
from airouter_operator.kube.objects import (
    generation_of,
    is_ending,
    resource_version_of,
    uid_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from airouter_operator.kube.objects import ObjectKey


K = TypeVar("K")


class KeyPlace(NamedTuple):
    """The objects that a RouterKey is about."""

    router: ObjectKey
    secret: ObjectKey


class SpecVersion(NamedTuple):
    """A version of a RouterKey but for its status."""

    uid: str
    number: int
    """Its generation; its resourceVersion where it has none."""
    ends: bool


class KeyIndex:
    """The places of all RouterKeys, and of those that were elsewhere before."""

    def __init__(self) -> None:
        self._places: dict[ObjectKey, KeyPlace] = {}
        self._of_router: defaultdict[ObjectKey, set[ObjectKey]] = defaultdict(set)
        self._of_secret: defaultdict[ObjectKey, set[ObjectKey]] = defaultdict(set)
        self._of_namespace: defaultdict[str, set[ObjectKey]] = defaultdict(set)
        self._left: defaultdict[ObjectKey, set[ObjectKey]] = defaultdict(set)
        self._specs: dict[ObjectKey, SpecVersion] = {}
        self._news: set[ObjectKey] = set()
        """RouterKeys of which there is more news than their status."""

    def put(self, key: ObjectKey, body: Mapping[str, Any]) -> KeyPlace | None:
        """Take in where a RouterKey is; return where it was, if that was elsewhere."""
        spec, version = body.get("spec") or {}, spec_version_of(body)
        place = KeyPlace(router_of_key(key, spec), secret_of_key(key, spec))
        former = None
        if self._places.get(key) != place:
            former = self.drop(key)
            self._places[key] = place
            self._of_router[place.router].add(key)
            self._of_secret[place.secret].add(key)
            self._of_namespace[key.namespace].add(key)
        if self._specs.get(key) != version:
            self._specs[key] = version
            self._news.add(key)
        return former

    def drop(self, key: ObjectKey) -> KeyPlace | None:
        """Forget a RouterKey; return where it was."""
        place = self._places.pop(key, None)
        if place is None:
            return None
        self._news.discard(key)
        del self._specs[key]
        remove(self._of_router, place.router, key)
        remove(self._of_secret, place.secret, key)
        remove(self._of_namespace, key.namespace, key)
        self._left[key].add(place.router)
        return place

    def routers(self, key: ObjectKey) -> set[ObjectKey]:
        """Return the RouterConfigs that a change of a RouterKey is about.

        Those that it was for before, too, once: they serve it still. None for a change of its
        status, which is written as often as the key is used.
        """
        routers = self._left.pop(key, set())
        if key in self._news:
            self._news.discard(key)
            routers.add(self._places[key].router)
        return routers

    def spec_version(self, key: ObjectKey) -> SpecVersion | None:
        """Return the version of a RouterKey's spec; None when there is no such object."""
        return self._specs.get(key)

    def router(self, key: ObjectKey) -> ObjectKey | None:
        """Return the RouterConfig that a RouterKey is for."""
        return self._places[key].router if key in self._places else None

    def secret(self, key: ObjectKey) -> ObjectKey | None:
        """Return the Secret of a RouterKey."""
        return self._places[key].secret if key in self._places else None

    def of_router(self, router: ObjectKey) -> Collection[ObjectKey]:
        """Return the RouterKeys that are for a RouterConfig."""
        return tuple(self._of_router.get(router, ()))

    def of_secret(self, secret: ObjectKey) -> Collection[ObjectKey]:
        """Return the RouterKeys whose Secret has such a name."""
        return tuple(self._of_secret.get(secret, ()))

    def of_namespace(self, namespace: str) -> Collection[ObjectKey]:
        """Return the RouterKeys of a namespace."""
        return tuple(self._of_namespace.get(namespace, ()))


def spec_version_of(body: Mapping[str, Any]) -> SpecVersion:
    """Return the version of a RouterKey but for its status."""
    number = generation_of(body) or resource_version_of(body)
    return SpecVersion(uid_of(body), number, is_ending(body))


def remove(sets: dict[K, set[ObjectKey]], at: K, key: ObjectKey) -> None:
    """Take a key out of one of several sets, none of which stays empty."""
    sets[at].discard(key)
    if not sets[at]:
        del sets[at]
