"""The RouterKeys of a RouterConfig whose keys were made, gathered from the mirror.

`issuing/` makes the keys; here each is just found in its Secret, and goes into the snapshot as its
SHA-256.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from pydantic import ValidationError

from airouter.config.compile.keys import IssuedKey, KeyNamespace
from airouter.config.resource.routerkey import RouterKeySpec
from airouter.config.snapshot import FormerKey
from airouter_operator.key_secret import is_owned, read_key_secret, secret_of_key
from airouter_operator.kube.objects import ObjectKey, generation_of, is_ending, uid_of

if TYPE_CHECKING:
    from airouter.config.snapshot import Auth, ClientKey, Snapshot
    from airouter_operator.kube.objects import Object
    from airouter_operator.watching.mirror import Mirror


class GatheredKeys(NamedTuple):
    """The keys of a RouterConfig, the oldest first, and the versions of all that they are of."""

    issued: tuple[IssuedKey, ...]
    versions: tuple[Any, ...]


def gather_keys(config: ObjectKey, mirror: Mirror, now: float) -> GatheredKeys:
    """Return the keys of a RouterConfig that were made and have not ended by `now` (Unix time)."""
    found = []
    for key in mirror.key_index.of_router(config):
        body = mirror.keys.get(key)
        if body is not None and (issued := issued_key(key, body, mirror, now)) is not None:
            created = body["metadata"].get("creationTimestamp", "")
            # As text, since one may be anything: a version is just compared.
            version = f"{uid_of(body)} {generation_of(body)} {sorted_labels(issued)}"
            secret = mirror.secrets.version(secret_of_key(key, body["spec"]))
            found.append(((created, issued.name), issued, (version, secret)))
    found.sort(key=lambda each: each[0])
    return GatheredKeys(tuple(each[1] for each in found), tuple(each[2] for each in found))


def issued_key(key: ObjectKey, body: Object, mirror: Mirror, now: float) -> IssuedKey | None:
    """Return a RouterKey with its key; None for one that has none, or has ended."""
    spec = read_key_spec(body)
    secret = mirror.secrets.get(secret_of_key(key, body.get("spec") or {}))
    if spec is None or secret is None or is_ending(body) or not is_owned(secret, uid_of(body)):
        return None
    content = read_key_secret(secret)
    if content is None or (spec.expires_at is not None and spec.expires_at <= now):
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


def namespace_of(key: ObjectKey, mirror: Mirror) -> KeyNamespace:
    """Return the namespace of a RouterKey, with its labels where Namespaces are watched."""
    if not len(mirror.namespaces):
        return KeyNamespace(key.namespace, None)
    body = mirror.namespaces.get(ObjectKey("", key.namespace))
    labels = body["metadata"].get("labels") if body is not None else None
    return KeyNamespace(key.namespace, labels or {})


def sorted_labels(issued: IssuedKey) -> list[tuple[str, str]]:
    """Return the labels of a key's namespace in one order."""
    return sorted((issued.namespace.labels or {}).items())


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
