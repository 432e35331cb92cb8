"""The RouterKeys of a RouterConfig whose keys were made, gathered from the mirror.

`issuing/` makes the keys; here each is just found in its Secret, and goes into the snapshot as its
SHA-256.
"""

from __future__ import annotations

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
    from airouter.config.findings import FieldProblem
    from airouter.config.snapshot import Auth, ClientKey, Snapshot
    from airouter_operator.kube.objects import Object
    from airouter_operator.watching.key_index import SpecVersion
    from airouter_operator.watching.mirror import Mirror


class GatheredKeys(NamedTuple):
    """The keys of a RouterConfig, the oldest first, and the versions of all that they are of."""

    issued: tuple[IssuedKey, ...]
    versions: tuple[KeyVersion, ...]


class KeyVersion(NamedTuple):
    """The versions of all that a key is read from."""

    router_key: SpecVersion | None
    """A status changes nothing of it."""
    secret: int
    namespace: int


class ReadKey(NamedTuple):
    """A RouterKey as it was read from objects of some versions."""

    version: KeyVersion
    created: str
    issued: IssuedKey | None


class IssuedKeys:
    """The keys of all RouterConfigs. Each is read when it was changed: there may be thousands."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._read: dict[ObjectKey, dict[ObjectKey, ReadKey]] = {}
        """By RouterConfig and RouterKey."""

    def of(self, config: ObjectKey, now: float) -> GatheredKeys:
        """Return the keys that were made and have not ended by `now` (Unix time)."""
        before = self._read.get(config, {})
        read = {
            key: self._newest(key, before.get(key))
            for key in self._mirror.key_index.of_router(config)
        }
        self._read[config] = read
        found = [
            (each.created, each.issued.name, each.issued, each.version)
            for each in read.values()
            if each.issued is not None and not has_ended(each.issued, now)
        ]
        found.sort(key=lambda each: each[:2])
        return GatheredKeys(tuple(each[2] for each in found), tuple(each[3] for each in found))

    def forget(self, config: ObjectKey) -> None:
        """Forget a RouterConfig that is gone."""
        self._read.pop(config, None)

    def _newest(self, key: ObjectKey, before: ReadKey | None) -> ReadKey:
        mirror = self._mirror
        secret = mirror.key_index.secret(key)
        version = KeyVersion(
            mirror.key_index.spec_version(key),
            0 if secret is None else mirror.secrets.version(secret),
            mirror.namespaces.version(ObjectKey("", key.namespace)),
        )
        if before is not None and before.version == version:
            return before
        body = mirror.keys.get(key)
        if body is None:
            return ReadKey(version, "", None)
        created = str(body["metadata"].get("creationTimestamp", ""))
        return ReadKey(version, created, issued_key(key, body, mirror))


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
