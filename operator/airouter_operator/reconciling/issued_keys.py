"""The RouterKeys of a RouterConfig whose keys were made, gathered from the mirror.

`issuing/` makes the keys; here each is just found in its Secret, and goes into the snapshot as its
SHA-256.
"""

from __future__ import annotations

from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from pydantic import ValidationError

from airouter.config.compile.keys import IssuedKey, KeyNamespace
from airouter.config.field_errors import problems_in
from airouter.config.resource.routerkey import RouterKeySpec
from airouter.config.snapshot import FormerKey
from airouter_operator.key_secret import is_owned, read_key_secret, secret_of_key
from airouter_operator.kube.objects import ObjectKey, is_ending, uid_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.config.findings import FieldProblem
    from airouter.config.snapshot import Auth, ClientKey, Snapshot
    from airouter_operator.kube.objects import Object
    from airouter_operator.watching.key_index import SpecVersion
    from airouter_operator.watching.mirror import Mirror


KeyVersion = tuple["SpecVersion | None", int, int]
"""Versions of all that a key is read from: the RouterKey, whose status changes nothing of it, its
Secret and its Namespace.
"""


class GatheredKeys(NamedTuple):
    """The keys of a RouterConfig, the oldest first, and the versions of all that they are of."""

    issued: tuple[IssuedKey, ...]
    versions: tuple[KeyVersion, ...]


class ReadKey(NamedTuple):
    """A RouterKey as it was read from objects of some versions."""

    version: KeyVersion
    age: tuple[str, str]
    """When it was made, and its name: the oldest come first."""
    issued: IssuedKey | None


class ReadKeys(NamedTuple):
    """The RouterKeys of a RouterConfig as they were read, and what was gathered of them."""

    by_key: Mapping[ObjectKey, ReadKey]
    gathered: GatheredKeys
    until: float
    """Unix time at which the next of them ends."""


NONE_READ = ReadKeys({}, GatheredKeys((), ()), -inf)


class IssuedKeys:
    """The keys of all RouterConfigs. Each is read when it was changed: there may be thousands."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._read: dict[ObjectKey, ReadKeys] = {}

    def of(self, config: ObjectKey, now: float) -> GatheredKeys:
        """Return the keys that were made and have not ended by `now` (Unix time)."""
        before = self._read.get(config, NONE_READ)
        known, namespaces = before.by_key, NamespaceVersions(self._mirror)
        by_key: dict[ObjectKey, ReadKey] = {}
        is_same = now < before.until
        for key in self._mirror.key_index.of_router(config):
            version = self._version(key, namespaces)
            read = known.get(key)
            if read is None or read.version != version:
                read, is_same = self._newest(key, version), False
            by_key[key] = read
        if is_same and len(by_key) == len(known):
            return before.gathered
        self._read[config] = gathered_of(by_key, now)
        return self._read[config].gathered

    def forget(self, config: ObjectKey) -> None:
        """Forget a RouterConfig that is gone."""
        self._read.pop(config, None)

    def _version(self, key: ObjectKey, namespaces: NamespaceVersions) -> KeyVersion:
        mirror = self._mirror
        secret = mirror.key_index.secret(key)
        of_secret = 0 if secret is None else mirror.secrets.version(secret)
        return mirror.key_index.spec_version(key), of_secret, namespaces[key.namespace]

    def _newest(self, key: ObjectKey, version: KeyVersion) -> ReadKey:
        body = self._mirror.keys.get(key)
        if body is None:
            return ReadKey(version, ("", str(key)), None)
        created = str(body["metadata"].get("creationTimestamp", ""))
        return ReadKey(version, (created, str(key)), issued_key(key, body, self._mirror))


class NamespaceVersions(dict[str, int]):
    """The resourceVersions of Namespaces by their names, each looked up once."""

    def __init__(self, mirror: Mirror) -> None:
        super().__init__()
        self._mirror = mirror

    def __missing__(self, name: str) -> int:
        version = self[name] = self._mirror.namespaces.version(ObjectKey("", name))
        return version


def gathered_of(by_key: Mapping[ObjectKey, ReadKey], now: float) -> ReadKeys:
    """Return keys with those of them that were made and have not ended, the oldest first."""
    found = [each for each in by_key.values() if each.issued is not None]
    found.sort(key=attrgetter("age"))
    good = [
        (key, each.version) for each in found if (key := each.issued) and not has_ended(key, now)
    ]
    ends = [key.spec.expires_at for key, _ in good if key.spec.expires_at is not None]
    gathered = GatheredKeys(tuple(key for key, _ in good), tuple(version for _, version in good))
    return ReadKeys(by_key, gathered, min(ends, default=inf))


def has_ended(key: IssuedKey, now: float) -> bool:
    """Return whether a key has expired."""
    return key.spec.expires_at is not None and key.spec.expires_at <= now


def issued_key(key: ObjectKey, body: Object, mirror: Mirror) -> IssuedKey | None:
    """Return a RouterKey with its key; None for one that has none."""
    spec = read_key_spec(body)
    secret = mirror.secrets.get(secret_of_key(key, body.get("spec") or {}))
    if spec is None or secret is None or is_ending(body) or not is_owned(secret, uid_of(body)):
        return None
    content = read_key_secret(secret)
    if content is None:
        return None
    record, former = content.record, None
    if record.former_sha256:
        former = FormerKey(record.former_sha256, record.former_until)
    namespace = namespace_of(key, mirror)
    return IssuedKey(str(key), spec, namespace, content.key_sha256, former)


def read_key_spec(body: Object) -> RouterKeySpec | None:
    """Return the spec of a RouterKey; None for one of another version of the CRD."""
    try:
        return RouterKeySpec.model_validate(body.get("spec") or {})
    except ValidationError:
        return None


def problems_of_key(body: Object) -> list[FieldProblem]:
    """Return what keeps the spec of a RouterKey from being read."""
    try:
        RouterKeySpec.model_validate(body.get("spec") or {})
    except ValidationError as error:
        return list(problems_in(error, RouterKeySpec))
    return []


def namespace_of(key: ObjectKey, mirror: Mirror) -> KeyNamespace:
    """Return the namespace of a RouterKey, with its labels where Namespaces are watched."""
    if not len(mirror.namespaces):
        return KeyNamespace(key.namespace, None)
    body = mirror.namespaces.get(ObjectKey("", key.namespace))
    labels = body["metadata"].get("labels") if body is not None else None
    return KeyNamespace(key.namespace, labels or {})


def with_issued_keys(snapshot: Snapshot, issued: tuple[IssuedKey, ...]) -> Snapshot:
    """Return a snapshot with the keys that there are now, as far as it has those RouterKeys.

    For the last good snapshot, which is served while a RouterConfig is refused: what it grants
    stays as it was.
    """
    standing = {each.name: each for each in issued}
    clients = tuple(
        client if client.grant is None else with_key(client, standing[client.name])
        for client in snapshot.auth.clients
        if client.grant is None or client.name in standing
    )
    auth: Auth = msgspec.structs.replace(snapshot.auth, clients=clients)
    return msgspec.structs.replace(snapshot, auth=auth)


def with_key(client: ClientKey, key: IssuedKey) -> ClientKey:
    """Return a client with the key that it has now."""
    return msgspec.structs.replace(
        client, key_sha256=key.key_sha256, former=key.former, expires_at=key.spec.expires_at
    )


def without_former_keys(snapshot: Snapshot) -> Snapshot:
    """Return a snapshot in which no client has the key before its own."""
    clients = tuple(msgspec.structs.replace(each, former=None) for each in snapshot.auth.clients)
    auth: Auth = msgspec.structs.replace(snapshot.auth, clients=clients)
    return msgspec.structs.replace(snapshot, auth=auth)
