"""The mirror: a copy of what the API server holds, our objects and the Secrets that they name.

kopf's watches fill it with RouterConfigs, and tell it which Secrets were changed; those are read
when a RouterConfig that names them is reconciled. The operator's own writes and the resync correct
it.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from airouter_operator.kube.objects import ObjectKey, generation_of, resource_version_of, uid_of
from airouter_operator.publication import config_of_secret, secret_of_config
from airouter_operator.watching.cache import ObjectCache, SecretCache
from airouter_operator.watching.key_index import KeyIndex
from airouter_operator.watching.kinds import (
    NAMESPACES,
    ROUTER_CONFIGS,
    ROUTER_KEYS,
    SECRETS,
    WatchedKind,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from airouter_operator.watching.key_index import KeyPlace


class Mirror:
    """The caches of all kinds, and the references of RouterConfigs to Secrets."""

    def __init__(self, grace: float = 0.0, clock: Callable[[], float] = time.time) -> None:
        """Keep the last value of a Secret that is gone for `grace` seconds."""
        self.configs = ObjectCache(ROUTER_CONFIGS.kept)
        self.keys = ObjectCache(ROUTER_KEYS.kept)
        self.namespaces = ObjectCache(NAMESPACES.kept)
        self.secrets = SecretCache(SECRETS.kept, self.needs, grace, clock)
        self.key_index = KeyIndex()
        self._caches: dict[WatchedKind, ObjectCache] = {
            ROUTER_CONFIGS: self.configs,
            ROUTER_KEYS: self.keys,
            NAMESPACES: self.namespaces,
            SECRETS: self.secrets,
        }
        self._referrers: defaultdict[ObjectKey, set[ObjectKey]] = defaultdict(set)
        self._references: dict[ObjectKey, frozenset[ObjectKey]] = {}
        self._specs: dict[ObjectKey, tuple[str, int]] = {}
        """uid and generation of the specs whose references are known."""

    def cache(self, kind: WatchedKind) -> ObjectCache:
        """Return the objects of a kind."""
        return self._caches[kind]

    def notice(self, kind: WatchedKind, key: ObjectKey, body: Mapping[str, Any]) -> None:
        """Take note of what a watch reports: the object, or that a Secret was changed."""
        if kind is SECRETS:
            self.secrets.notice(key, resource_version_of(body))
        else:
            self.put(kind, key, body)

    def put(self, kind: WatchedKind, key: ObjectKey, body: Mapping[str, Any]) -> bool:
        """Take an object in, unless a newer one is there; return whether it was new."""
        if not self._caches[kind].put(key, body):
            return False
        if kind is ROUTER_CONFIGS:
            # Most changes are of the status, and leave the generation as it is.
            spec = (uid_of(body), generation_of(body))
            if not spec[1] or self._specs.get(key) != spec:
                self._specs[key] = spec
                self._refer(key, frozenset(secrets_named(body.get("spec"), key.namespace)))
        elif kind is ROUTER_KEYS:
            self._forget_place(self.key_index.put(key, body.get("spec") or {}))
        return True

    def drop(self, kind: WatchedKind, key: ObjectKey, uid: str = "") -> bool:
        """Forget an object, if it has that uid; return whether it was there."""
        if not self._caches[kind].drop(key, uid):
            return False
        if kind is ROUTER_CONFIGS:
            self._specs.pop(key, None)
            self._refer(key, frozenset())
            self._forget_unneeded({secret_of_config(key)})
        elif kind is ROUTER_KEYS:
            self._forget_place(self.key_index.drop(key))
        return True

    def needs(self, secret: ObjectKey) -> bool:
        """Return whether a RouterConfig names a Secret or is published in it, or a key is in it."""
        if self.key_index.of_secret(secret):
            return True
        owner = config_of_secret(secret)
        return secret in self._referrers or (owner is not None and owner in self.configs)

    def follows(self, kind: WatchedKind, key: ObjectKey) -> bool:
        """Return whether the mirror has an object as it was when last reported, if it exists.

        A Secret that is not needed, or is yet to be read, is none of those.
        """
        return kind is not SECRETS or (self.needs(key) and self.secrets.is_current(key))

    def concerned(self, kind: WatchedKind, key: ObjectKey) -> Iterable[ObjectKey]:
        """Return the RouterConfigs that a change of an object is about."""
        if kind is ROUTER_CONFIGS:
            return (key,)
        if kind is ROUTER_KEYS:
            return self.key_index.routers(key)
        if kind is NAMESPACES:
            return self._routers_of(self.key_index.of_namespace(key.name))
        # A Secret matters to those that name it, to the one whose snapshot it holds, and to the
        # one whose key is in it.
        owner = config_of_secret(key)
        named = self.naming(key) if owner is None else (*self.naming(key), owner)
        return (*named, *self._routers_of(self.key_index.of_secret(key)))

    def concerned_keys(self, kind: WatchedKind, key: ObjectKey) -> Iterable[ObjectKey]:
        """Return the RouterKeys that a change of an object is about.

        What a RouterConfig has to say of its keys is known only when it has been reconciled.
        """
        if kind is ROUTER_KEYS:
            return (key,)
        if kind is NAMESPACES:
            return self.key_index.of_namespace(key.name)
        return self.key_index.of_secret(key) if kind is SECRETS else ()

    def secrets_of(self, config: ObjectKey) -> frozenset[ObjectKey]:
        """Return the Secrets that a RouterConfig names, whether they exist or not."""
        return self._references.get(config, frozenset())

    def _routers_of(self, keys: Iterable[ObjectKey]) -> set[ObjectKey]:
        routers = {self.key_index.router(key) for key in keys}
        return {router for router in routers if router is not None}

    def naming(self, secret: ObjectKey) -> tuple[ObjectKey, ...]:
        """Return the RouterConfigs that name a Secret."""
        return tuple(self._referrers.get(secret, ()))

    def _refer(self, config: ObjectKey, secrets: frozenset[ObjectKey]) -> None:
        """Replace the references of a RouterConfig."""
        former = self._references.pop(config, frozenset()) - secrets
        for secret in former:
            self._referrers[secret].discard(config)
            if not self._referrers[secret]:
                del self._referrers[secret]
        for secret in secrets:
            self._referrers[secret].add(config)
        if secrets:
            self._references[config] = secrets
        self._forget_unneeded(former)

    def _forget_place(self, place: KeyPlace | None) -> None:
        if place is not None:
            self._forget_unneeded({place.secret})

    def _forget_unneeded(self, secrets: Iterable[ObjectKey]) -> None:
        for secret in secrets:
            if not self.needs(secret):
                self.secrets.forget(secret)


def secrets_named(spec: Any, namespace: str) -> Iterator[ObjectKey]:
    """Yield every Secret that a spec refers to.

    A reference is a mapping under `secretRef`, or under a field whose name ends like that.
    """
    # Not recursive: a large RouterConfig has twenty thousand parts.
    parts = [spec]
    while parts:
        part = parts.pop()
        if isinstance(part, list):
            parts.extend(part)
        elif isinstance(part, dict):
            for name, value in part.items():
                if isinstance(value, dict) and name.lower().endswith("secretref"):
                    yield ObjectKey(namespace, str(value.get("name", "")))
                elif isinstance(value, (dict, list)):
                    parts.append(value)
