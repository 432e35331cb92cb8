"""What the API server holds, as far as we have heard: RouterConfigs and Secrets by name.

kopf's watches fill it, our own writes and the resync correct it. An object is kept as JSON bytes: a
tenth of what it takes as a dictionary. An older one never replaces a newer one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from airouter_operator.kube import Object, ObjectKey, resource_version_of, uid_of


class ObjectCache:
    """The objects of one kind."""

    def __init__(self, kept: Iterable[str]) -> None:
        """`kept` are the fields that are kept of an object, beside its metadata."""
        self._kept = tuple(kept)
        self._bodies: dict[ObjectKey, bytes] = {}
        self._versions: dict[ObjectKey, int] = {}

    def __iter__(self) -> Iterator[ObjectKey]:
        return iter(tuple(self._bodies))

    def __len__(self) -> int:
        return len(self._bodies)

    def get(self, key: ObjectKey) -> Object | None:
        """The newest that we heard of."""
        body = self._bodies.get(key)
        return None if body is None else msgspec.json.decode(body)

    def version(self, key: ObjectKey) -> int:
        """Its resourceVersion; 0 when there is no such object."""
        return self._versions.get(key, 0)

    def put(self, key: ObjectKey, body: Mapping[str, Any]) -> bool:
        """Take an object in, unless a newer one is there; returns whether it was new."""
        version = resource_version_of(body)
        if version <= self._versions.get(key, -1):
            return False
        self._versions[key] = version
        self._bodies[key] = msgspec.json.encode(self._trimmed(body))
        return True

    def drop(self, key: ObjectKey, uid: str = "") -> bool:
        """Forget an object, if it is the one of that uid; returns whether it was there."""
        body = self.get(key)
        if body is None or (uid and uid_of(body) != uid):
            return False
        del self._bodies[key], self._versions[key]
        return True

    def _trimmed(self, body: Mapping[str, Any]) -> Object:
        metadata = {
            name: value
            for name, value in body["metadata"].items()
            if name not in {"managedFields", "annotations", "labels"}
        }
        kept = {name: body[name] for name in self._kept if name in body}
        return {"metadata": metadata, **kept}


class Mirror:
    """RouterConfigs, Secrets, and which of the former name which of the latter."""

    def __init__(self) -> None:
        self.configs = ObjectCache(("apiVersion", "kind", "spec", "status"))
        self.secrets = ObjectCache(("type", "data"))
        self._named_by: defaultdict[ObjectKey, set[ObjectKey]] = defaultdict(set)
        self._names: dict[ObjectKey, frozenset[ObjectKey]] = {}

    def put_config(self, body: Mapping[str, Any], key: ObjectKey) -> bool:
        """Take a RouterConfig in; returns whether it was new."""
        if not self.configs.put(key, body):
            return False
        self._rename(key, frozenset(secrets_named(body.get("spec"), key.namespace)))
        return True

    def drop_config(self, key: ObjectKey, uid: str = "") -> bool:
        """Forget a RouterConfig."""
        if not self.configs.drop(key, uid):
            return False
        self._rename(key, frozenset())
        return True

    def secrets_of(self, config: ObjectKey) -> frozenset[ObjectKey]:
        """The Secrets that a RouterConfig names, whether they exist or not."""
        return self._names.get(config, frozenset())

    def naming(self, secret: ObjectKey) -> Iterable[ObjectKey]:
        """The RouterConfigs that name a Secret."""
        return tuple(self._named_by.get(secret, ()))

    def _rename(self, key: ObjectKey, names: frozenset[ObjectKey]) -> None:
        for gone in self._names.pop(key, frozenset()) - names:
            self._named_by[gone].discard(key)
            if not self._named_by[gone]:
                del self._named_by[gone]
        for name in names:
            self._named_by[name].add(key)
        if names:
            self._names[key] = names


def secrets_named(part: Any, namespace: str) -> Iterator[ObjectKey]:
    """Every Secret that a part of a spec refers to: a `secretRef`, or whatever ends like one."""
    if isinstance(part, Mapping):
        for name, value in part.items():
            if name.lower().endswith("secretref") and isinstance(value, Mapping):
                yield ObjectKey(namespace, str(value.get("name", "")))
            else:
                yield from secrets_named(value, namespace)
    elif isinstance(part, list):
        for item in part:
            yield from secrets_named(item, namespace)
