"""What the API server holds, as far as we have heard: RouterConfigs and Secrets by name.

kopf's watches fill it, our own writes and the resync correct it. An object is kept as JSON bytes: a
tenth of what it takes as a dictionary. An older one never replaces a newer one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from airouter_operator.kube import Key, Object, uid_of, version_of


class Shelf:
    """The objects of one kind."""

    def __init__(self, kept: Iterable[str]) -> None:
        """`kept` are the fields that are kept of an object, beside its metadata."""
        self._kept = tuple(kept)
        self._bodies: dict[Key, bytes] = {}
        self._versions: dict[Key, int] = {}

    def __iter__(self) -> Iterator[Key]:
        return iter(tuple(self._bodies))

    def __len__(self) -> int:
        return len(self._bodies)

    def get(self, key: Key) -> Object | None:
        """The newest that we heard of."""
        body = self._bodies.get(key)
        return None if body is None else msgspec.json.decode(body)

    def version(self, key: Key) -> int:
        """Its resourceVersion; 0 when there is no such object."""
        return self._versions.get(key, 0)

    def put(self, key: Key, body: Mapping[str, Any]) -> bool:
        """Take an object in, unless a newer one is there; returns whether it was new."""
        version = version_of(body)
        if version <= self._versions.get(key, -1):
            return False
        self._versions[key] = version
        self._bodies[key] = msgspec.json.encode(self._trimmed(body))
        return True

    def drop(self, key: Key, uid: str = "") -> bool:
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
        self.configs = Shelf(("apiVersion", "kind", "spec", "status"))
        self.secrets = Shelf(("type", "data"))
        self._named_by: defaultdict[Key, set[Key]] = defaultdict(set)
        self._names: dict[Key, frozenset[Key]] = {}

    def put_config(self, body: Mapping[str, Any], key: Key) -> bool:
        """Take a RouterConfig in; returns whether it was new."""
        if not self.configs.put(key, body):
            return False
        self._rename(key, frozenset(secrets_named(body.get("spec"), key.namespace)))
        return True

    def drop_config(self, key: Key, uid: str = "") -> bool:
        """Forget a RouterConfig."""
        if not self.configs.drop(key, uid):
            return False
        self._rename(key, frozenset())
        return True

    def secrets_of(self, config: Key) -> frozenset[Key]:
        """The Secrets that a RouterConfig names, whether they exist or not."""
        return self._names.get(config, frozenset())

    def naming(self, secret: Key) -> Iterable[Key]:
        """The RouterConfigs that name a Secret."""
        return tuple(self._named_by.get(secret, ()))

    def _rename(self, key: Key, names: frozenset[Key]) -> None:
        for gone in self._names.pop(key, frozenset()) - names:
            self._named_by[gone].discard(key)
            if not self._named_by[gone]:
                del self._named_by[gone]
        for name in names:
            self._named_by[name].add(key)
        if names:
            self._names[key] = names


def secrets_named(part: Any, namespace: str) -> Iterator[Key]:
    """Every Secret that a part of a spec refers to: a `secretRef`, or whatever ends like one."""
    if isinstance(part, Mapping):
        for name, value in part.items():
            if name.lower().endswith("secretref") and isinstance(value, Mapping):
                yield Key(namespace, str(value.get("name", "")))
            else:
                yield from secrets_named(value, namespace)
    elif isinstance(part, list):
        for item in part:
            yield from secrets_named(item, namespace)
