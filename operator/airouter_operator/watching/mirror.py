"""The mirror: a copy of what the API server holds, our objects and those that they name.

Lists fill it, and kopf's watches go on: they tell it RouterConfigs, and which Secrets and Services
were changed; those are read when a RouterConfig that names them is reconciled. The operator's own
writes and the resync correct it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airouter_operator.kube.objects import (
    ObjectKey,
    generation_of,
    object_key,
    resource_version_of,
    uid_of,
)
from airouter_operator.publication import config_of_secret, secret_of_config
from airouter_operator.watching.cache import ObjectCache, SecretCache
from airouter_operator.watching.key_index import KeyIndex
from airouter_operator.watching.kinds import (
    ENDPOINT_SLICES,
    NAMESPACES,
    ROUTER_CONFIGS,
    ROUTER_KEYS,
    SECRETS,
    SERVICES,
    WatchedKind,
)
from airouter_operator.watching.pools import PoolCache
from airouter_operator.watching.references import References
from airouter_operator.watching.services import ServiceCache, service_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from airouter_operator.watching.key_index import KeyPlace

ABOUT_SERVICES = (SERVICES, ENDPOINT_SLICES)


class Mirror:
    """The caches of all kinds, and the references of RouterConfigs to what they name."""

    def __init__(self, grace: float = 0.0, clock: Callable[[], float] = time.time) -> None:
        """Keep the last value of a Secret that is gone for `grace` seconds."""
        self.configs = ObjectCache(ROUTER_CONFIGS.kept)
        self.keys = ObjectCache(ROUTER_KEYS.kept)
        self.namespaces = ObjectCache(NAMESPACES.kept)
        self.secrets = SecretCache(SECRETS.kept, self.needs, grace, clock)
        self._to_secrets = References()
        self._to_services = References()
        self.services = ServiceCache(self._to_services.__contains__)
        self._to_pools = References()
        self.pools = PoolCache(time.monotonic)
        self.key_index = KeyIndex()
        self._caches: dict[WatchedKind, ObjectCache] = {
            ROUTER_CONFIGS: self.configs,
            ROUTER_KEYS: self.keys,
            NAMESPACES: self.namespaces,
            SECRETS: self.secrets,
            SERVICES: self.services.services,
            ENDPOINT_SLICES: self.services.slices,
        }
        self._account_rules: dict[ObjectKey, list[Any]] = {}
        """Rules for ServiceAccounts of the RouterConfigs that have any."""
        self._specs: dict[ObjectKey, tuple[str, int]] = {}
        """uid and generation of the specs whose references are known."""

    def cache(self, kind: WatchedKind) -> ObjectCache:
        """Return the objects of a kind."""
        return self._caches[kind]

    def notice(self, kind: WatchedKind, key: ObjectKey, body: Mapping[str, Any]) -> None:
        """Take note of what a watch reports: the object, or that it is to be read."""
        if kind is SECRETS:
            self.secrets.notice(key, resource_version_of(body))
        else:
            self.put(kind, key, body)

    def put(self, kind: WatchedKind, key: ObjectKey, body: Mapping[str, Any]) -> bool:
        """Take an object in, unless a newer one is there; return whether it was new."""
        if kind in ABOUT_SERVICES:  # read with all that belongs to the same Service
            return self.services.notice(kind, body)
        if not self._caches[kind].put(key, body):
            return False
        if kind is ROUTER_CONFIGS:
            # Most changes are of the status, and leave the generation as it is.
            spec = (uid_of(body), generation_of(body))
            if not spec[1] or self._specs.get(key) != spec:
                self._specs[key] = spec
                self._refer(key, body.get("spec"))
        elif kind is ROUTER_KEYS:
            self._forget_place(self.key_index.put(key, body))
        return True

    def drop(self, kind: WatchedKind, body: Mapping[str, Any]) -> bool:
        """Forget an object that is gone, if it has the same uid; return whether it was there."""
        key = object_key(body)
        if kind in ABOUT_SERVICES:
            return self.services.expire(service_of(kind, body))
        if not self._caches[kind].drop(key, uid_of(body)):
            return False
        if kind is ROUTER_CONFIGS:
            self._specs.pop(key, None)
            self._refer(key, None)
            self._forget_unneeded({secret_of_config(key)})
        elif kind is ROUTER_KEYS:
            self._forget_place(self.key_index.drop(key))
        return True

    def needs(self, secret: ObjectKey) -> bool:
        """Return whether a RouterConfig names a Secret or is published in it, or a key is in it."""
        if self.key_index.of_secret(secret):
            return True
        owner = config_of_secret(secret)
        return secret in self._to_secrets or (owner is not None and owner in self.configs)

    def follows(self, kind: WatchedKind, body: Mapping[str, Any]) -> bool:
        """Return whether the mirror has an object as it was when last reported, if it exists.

        A Secret or a Service that is not needed, or is yet to be read, is none of those.
        """
        if kind in ABOUT_SERVICES:
            service = service_of(kind, body)
            return service in self._to_services and self.services.is_current(service)
        key = object_key(body)
        return kind is not SECRETS or (self.needs(key) and self.secrets.is_current(key))

    def concerned(self, kind: WatchedKind, body: Mapping[str, Any]) -> Iterable[ObjectKey]:
        """Return the RouterConfigs that a change of an object is about."""
        key = object_key(body)
        if kind is ROUTER_CONFIGS:
            return (key,)
        if kind is ROUTER_KEYS:
            return self.key_index.routers(key)
        if kind is NAMESPACES:
            by_labels = {c for c, rules in self._account_rules.items() if go_by_labels(rules)}
            return by_labels | self._routers_of(self.key_index.of_namespace(key.name))
        if kind in ABOUT_SERVICES:
            return self._to_services.naming(service_of(kind, body))
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
        return self._to_secrets.named_by(config)

    def account_rules_of(self, config: ObjectKey) -> list[Any]:
        """Return the rules for ServiceAccounts of a RouterConfig, as they were declared."""
        return self._account_rules.get(config, [])

    def services_of(self, config: ObjectKey) -> frozenset[ObjectKey]:
        """Return the Services that a RouterConfig names, whether they exist or not."""
        return self._to_services.named_by(config)

    def pools_of(self, config: ObjectKey) -> frozenset[ObjectKey]:
        """Return the InferencePools that a RouterConfig names, whether they exist or not."""
        return self._to_pools.named_by(config)

    def _routers_of(self, keys: Iterable[ObjectKey]) -> set[ObjectKey]:
        routers = {self.key_index.router(key) for key in keys}
        return {router for router in routers if router is not None}

    def naming(self, secret: ObjectKey) -> tuple[ObjectKey, ...]:
        """Return the RouterConfigs that name a Secret."""
        return self._to_secrets.naming(secret)

    def _refer(self, config: ObjectKey, spec: Any) -> None:
        """Replace the references of a RouterConfig by those of its spec; None has none."""
        rules = ((spec or {}).get("auth") or {}).get("serviceAccounts")
        if rules:
            self._account_rules[config] = rules
        else:
            self._account_rules.pop(config, None)
        secrets = frozenset(secrets_named(spec, config.namespace))
        self._forget_unneeded(self._to_secrets.replace(config, secrets))
        services = frozenset(named_in_credentials(spec, "service", config.namespace))
        for service in self._to_services.replace(config, services):
            if service not in self._to_services:
                self.services.forget(service)
        pools = frozenset(named_in_credentials(spec, "inferencePool", config.namespace))
        for pool in self._to_pools.replace(config, pools):
            if pool not in self._to_pools:
                self.pools.forget(pool)

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


def go_by_labels(rules: Iterable[Any]) -> bool:
    """Return whether a rule for ServiceAccounts goes by labels of namespaces."""
    return any("matchLabels" in (rule.get("namespaces") or {}) for rule in rules)


def named_in_credentials(spec: Any, field: str, namespace: str) -> Iterator[ObjectKey]:
    """Yield every Service, or every InferencePool, that credentials name by a field."""
    for credential in (spec or {}).get("credentials") or ():
        place = credential.get(field)
        if place:
            yield ObjectKey(place.get("namespace") or namespace, str(place.get("name", "")))
