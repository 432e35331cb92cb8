"""The mirror: a copy of what the API server holds, RouterConfigs and Secrets by key.

kopf's watches fill it, the operator's own writes and the resync correct it. An object is kept as
JSON bytes, a tenth of what it takes as a dictionary. An older object never replaces a newer one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from airouter_operator.kube.objects import Object, ObjectKey, resource_version_of, uid_of
from airouter_operator.publication import config_of_secret
from airouter_operator.watching.kinds import ROUTER_CONFIGS, SECRETS, WATCHED_KINDS, WatchedKind

NOT_KEPT = {"managedFields", "annotations", "labels"}
"""Fields of metadata that nobody asks for. `kubectl apply` keeps a copy of a Secret in one."""


class ObjectCache:
    """The objects of one kind."""

    def __init__(self, kept: Iterable[str]) -> None:
        """Keep some fields of each object, beside its metadata."""
        self._kept = tuple(kept)
        self._bodies: dict[ObjectKey, bytes] = {}
        self._versions: dict[ObjectKey, int] = {}

    def __iter__(self) -> Iterator[ObjectKey]:
        return iter(tuple(self._bodies))

    def __len__(self) -> int:
        return len(self._bodies)

    def get(self, key: ObjectKey) -> Object | None:
        """Return the newest version of an object; None when there is no such object."""
        body = self._bodies.get(key)
        return None if body is None else msgspec.json.decode(body)

    def version(self, key: ObjectKey) -> int:
        """Return the resourceVersion of an object; 0 when there is no such object."""
        return self._versions.get(key, 0)

    def put(self, key: ObjectKey, body: Mapping[str, Any]) -> bool:
        """Take an object in, unless a newer one is there; return whether it was new."""
        version = resource_version_of(body)
        if version <= self._versions.get(key, -1):
            return False
        self._versions[key] = version
        self._bodies[key] = msgspec.json.encode(self._trimmed(body))
        return True

    def drop(self, key: ObjectKey, uid: str = "") -> bool:
        """Forget an object, if it has that uid; return whether it was there."""
        # The end of an object may be told after the beginning of its successor of the same name.
        body = self.get(key)
        if body is None or (uid and uid_of(body) != uid):
            return False
        del self._bodies[key], self._versions[key]
        return True

    def _trimmed(self, body: Mapping[str, Any]) -> Object:
        metadata = {name: value for name, value in body["metadata"].items() if name not in NOT_KEPT}
        kept = {name: body[name] for name in self._kept if name in body}
        return {"metadata": metadata, **kept}


class Mirror:
    """The caches of all kinds, and the references of RouterConfigs to Secrets."""

    def __init__(self) -> None:
        self._caches = {kind: ObjectCache(kind.kept) for kind in WATCHED_KINDS}
        self.configs = self._caches[ROUTER_CONFIGS]
        self.secrets = self._caches[SECRETS]
        self._referrers: defaultdict[ObjectKey, set[ObjectKey]] = defaultdict(set)
        self._references: dict[ObjectKey, frozenset[ObjectKey]] = {}

    def cache(self, kind: WatchedKind) -> ObjectCache:
        """Return the objects of a kind."""
        return self._caches[kind]

    def put(self, kind: WatchedKind, key: ObjectKey, body: Mapping[str, Any]) -> bool:
        """Take an object in, unless a newer one is there; return whether it was new."""
        if not self._caches[kind].put(key, body):
            return False
        if kind is ROUTER_CONFIGS:
            self._refer(key, frozenset(secrets_named(body.get("spec"), key.namespace)))
        return True

    def drop(self, kind: WatchedKind, key: ObjectKey, uid: str = "") -> bool:
        """Forget an object, if it has that uid; return whether it was there."""
        if not self._caches[kind].drop(key, uid):
            return False
        if kind is ROUTER_CONFIGS:
            self._refer(key, frozenset())
        return True

    def concerned(self, kind: WatchedKind, key: ObjectKey) -> Iterable[ObjectKey]:
        """Return the RouterConfigs that a change of an object is about."""
        if kind is ROUTER_CONFIGS:
            return (key,)
        # A Secret matters to those that name it, and to the one whose snapshot it holds.
        owner = config_of_secret(key)
        return self.naming(key) if owner is None else (*self.naming(key), owner)

    def secrets_of(self, config: ObjectKey) -> frozenset[ObjectKey]:
        """Return the Secrets that a RouterConfig names, whether they exist or not."""
        return self._references.get(config, frozenset())

    def naming(self, secret: ObjectKey) -> tuple[ObjectKey, ...]:
        """Return the RouterConfigs that name a Secret."""
        return tuple(self._referrers.get(secret, ()))

    def _refer(self, config: ObjectKey, secrets: frozenset[ObjectKey]) -> None:
        """Replace the references of a RouterConfig."""
        for secret in self._references.pop(config, frozenset()) - secrets:
            self._referrers[secret].discard(config)
            if not self._referrers[secret]:
                del self._referrers[secret]
        for secret in secrets:
            self._referrers[secret].add(config)
        if secrets:
            self._references[config] = secrets


def secrets_named(part: Any, namespace: str) -> Iterator[ObjectKey]:
    """Yield every Secret that a part of a spec refers to.

    A reference is a mapping under `secretRef`, or under a field whose name ends like that.
    """
    if isinstance(part, Mapping):
        for name, value in part.items():
            if name.lower().endswith("secretref") and isinstance(value, Mapping):
                yield ObjectKey(namespace, str(value.get("name", "")))
            else:
                yield from secrets_named(value, namespace)
    elif isinstance(part, list):
        for item in part:
            yield from secrets_named(item, namespace)
