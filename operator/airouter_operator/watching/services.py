"""The Services that RouterConfigs name, each with its EndpointSlices.

They are read Service by Service when a RouterConfig that names one is reconciled; watches tell just
which were changed, and of those that nobody names nothing is kept.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from airouter_operator.kube.objects import ObjectKey, object_key, resource_version_of
from airouter_operator.watching.cache import ObjectCache
from airouter_operator.watching.kinds import ENDPOINT_SLICES, SERVICES, WatchedKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from airouter_operator.kube.objects import Object

SERVICE_NAME = "kubernetes.io/service-name"
"""The label by which an EndpointSlice says whose it is."""


def service_of(kind: WatchedKind, body: Mapping[str, Any]) -> ObjectKey:
    """Return the Service that a Service or an EndpointSlice is about."""
    key = object_key(body)
    if kind is SERVICES:
        return key
    labels = body["metadata"].get("labels") or {}
    return ObjectKey(key.namespace, str(labels.get(SERVICE_NAME, "")))


class ServiceCache:
    """The Services that are needed, as they were read last."""

    def __init__(self, is_needed: Callable[[ObjectKey], bool]) -> None:
        self.services = ObjectCache(SERVICES.kept)
        self.slices = ObjectCache(ENDPOINT_SLICES.kept)
        self._is_needed = is_needed
        self._slices_of: dict[ObjectKey, tuple[ObjectKey, ...]] = {}
        self._changes: Counter[ObjectKey] = Counter()
        """Changes of each needed Service, or of its EndpointSlices, that were noticed."""
        self._read: dict[ObjectKey, int] = {}
        """Changes that had been noticed when a Service was read last."""

    def notice(self, kind: WatchedKind, body: Mapping[str, Any]) -> bool:
        """Have a Service read anew, if it is needed and an object of it has another version."""
        known = self.services if kind is SERVICES else self.slices
        if resource_version_of(body) == known.version(object_key(body)):
            return False
        return self.expire(service_of(kind, body))

    def changes(self, service: ObjectKey) -> int:
        """Return how many changes were noticed, for `take` to compare."""
        return self._changes[service]

    def is_current(self, service: ObjectKey) -> bool:
        """Return whether a Service was read since its last change was noticed."""
        return self._read.get(service) == self._changes[service]

    def was_read(self, service: ObjectKey) -> bool:
        """Return whether a Service was ever read, whether it exists or not."""
        return service in self._read

    def take(
        self, service: ObjectKey, body: Object | None, slices: Iterable[Object], changes: int
    ) -> None:
        """Take in what was read, None for no such Service, after so many changes."""
        if not self._is_needed(service):
            return
        self._drop(service)
        if body is not None:
            self.services.put(service, body)
        found = {object_key(each): each for each in slices}
        for key, each in found.items():
            self.slices.put(key, each)
        self._slices_of[service] = tuple(found)
        self._read[service] = changes

    def expire(self, service: ObjectKey) -> bool:
        """Have a Service read anew, if it is needed; return whether it is."""
        needed = self._is_needed(service)
        if needed:
            self._changes[service] += 1
        return needed

    def slices_of(self, service: ObjectKey) -> list[Object]:
        """Return the EndpointSlices of a Service."""
        found = map(self.slices.get, self._slices_of.get(service, ()))
        return [each for each in found if each is not None]

    def forget(self, service: ObjectKey) -> None:
        """Forget all about a Service that nobody needs any more."""
        self._drop(service)
        self._changes.pop(service, None)
        self._read.pop(service, None)

    def _drop(self, service: ObjectKey) -> None:
        self.services.drop(service)
        for key in self._slices_of.pop(service, ()):
            self.slices.drop(key)
