"""Compilation: a RouterConfig with what it names, of the mirror, becomes a snapshot.

The compiler itself is the router's (`airouter.config`), so that `airouter check` finds in the same
manifests what the operator finds.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, NamedTuple

from airouter.config.compile import compile_config
from airouter.config.compile.identities import ClusterIdentity
from airouter.config.delivery import Undeliverable, unpack_snapshot
from airouter.config.findings import Compiled, in_order
from airouter.config.loader import load_config
from airouter.config.trust import ALLOWING, ANYTHING
from airouter_operator.kube.objects import generation_of, uid_of
from airouter_operator.reconciling.endpoints import ports_of
from airouter_operator.reconciling.issued_keys import with_issued_keys
from airouter_operator.reconciling.outcome import ReconcileOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airouter.config.compile.keys import IssuedKey
    from airouter.config.compile.places import InferencePools, ServicePort, Services
    from airouter.config.snapshot import Snapshot
    from airouter.config.trust import Trust
    from airouter_operator.kube.objects import Object, ObjectKey
    from airouter_operator.reconciling.issued_keys import GatheredKeys
    from airouter_operator.watching.mirror import Mirror

Secrets = dict[tuple[str, str], str]
"""Values by the name of their Secret and their key."""
UNKNOWN_CLUSTER = ClusterIdentity(None)
Fingerprint = tuple[Any, ...]
"""Versions of all that a snapshot is compiled from; equal for what compiles to the same."""


class Gathered(NamedTuple):
    """All that a snapshot is compiled from."""

    config: Object
    secrets: tuple[Object, ...]
    """Those that it may name."""
    fingerprint: Fingerprint
    services: Services
    pools: InferencePools
    gone: Mapping[str, float]
    """Secrets that are gone and whose last value is used, and until when (Unix time)."""
    issued: tuple[IssuedKey, ...] = ()
    """Its RouterKeys whose keys were made, the oldest first."""
    cluster: ClusterIdentity = UNKNOWN_CLUSTER


def gather(
    key: ObjectKey,
    mirror: Mirror,
    keys: GatheredKeys,
    trust: Trust = ANYTHING,
    cluster: ClusterIdentity = UNKNOWN_CLUSTER,
) -> Gathered | None:
    """Return a RouterConfig with what it names, and its keys.

    That is the values of Secrets that it may name, the ports of Services, and the pods of pools.

    None when it is gone.
    """
    config = mirror.configs.get(key)
    if config is None:
        return None
    secrets: list[Object] = []
    gone = {}
    versions = []
    for name in sorted(mirror.secrets_of(key)):
        body = mirror.secrets.get(name)
        if body is None and (last := mirror.secrets.last_value(name)):
            body, gone[name.name] = last.body, last.until
        versions.append((name, mirror.secrets.version(name), gone.get(name.name)))
        if body is not None and (not trust.needs_label or allows_naming(body)):
            secrets.append(body)
    # A status changes the resourceVersion of a RouterConfig, but not its generation.
    services, pools = services_of(key, mirror), pools_of(key, mirror)
    fingerprint = (
        uid_of(config),
        generation_of(config),
        tuple(versions),
        services,
        pools,
        keys.versions,
        cluster,
    )
    named = tuple(secrets)
    return Gathered(config, named, fingerprint, services, pools, gone, keys.issued, cluster)


def services_of(key: ObjectKey, mirror: Mirror) -> Services:
    """Return the Services that a RouterConfig names, in the namespaces that are watched."""
    found: dict[tuple[str, str], dict[int, ServicePort] | None] = {}
    for name in mirror.services_of(key):
        if mirror.services.was_read(name):
            body = mirror.services.services.get(name)
            slices = mirror.services.slices_of(name)
            found[name] = None if body is None else ports_of(body, slices)
    return found


def pools_of(key: ObjectKey, mirror: Mirror) -> InferencePools:
    """Return the InferencePools that a RouterConfig names, in the namespaces that are watched."""
    pools = mirror.pools
    names = mirror.pools_of(key)
    return {name: pools.addresses_of(name) for name in names if pools.was_read(name)}


def values_of(secrets: Iterable[Object]) -> Secrets:
    """Return the values of Secrets, which the API server tells as base64."""
    return {
        # A value that is no UTF-8 must not keep the rest from being compiled.
        (body["metadata"]["name"], field): base64.b64decode(value).decode(errors="replace")
        for body in secrets
        for field, value in (body.get("data") or {}).items()
    }


def allows_naming(secret: Object) -> bool:
    """Return whether the owner of a Secret lets RouterConfigs name it."""
    label, value = ALLOWING
    return (secret["metadata"].get("labels") or {}).get(label) == value


def compile_gathered(gathered: Gathered, trust: Trust = ANYTHING) -> Compiled:
    """Compile a snapshot, as `airouter check` compiles one of the same manifests."""
    document = {name: gathered.config.get(name) for name in ("apiVersion", "kind", "spec")}
    metadata = {name: gathered.config["metadata"][name] for name in ("name", "namespace")}
    reading = load_config({**document, "metadata": metadata})
    if reading.config is None:
        return Compiled(None, in_order(reading.findings))
    compiled = compile_config(
        reading.config,
        values_of(gathered.secrets),
        reading.dropped,
        trust=trust,
        services=gathered.services,
        pools=gathered.pools,
        issued=gathered.issued,
        cluster=gathered.cluster,
    )
    findings = in_order([*reading.findings, *compiled.findings])
    return compiled._replace(findings=findings)


def compiled_outcome(gathered: Gathered, compiled: Compiled) -> ReconcileOutcome:
    """Return the outcome of a compilation, before anything is published."""
    spec = gathered.config.get("spec") or {}
    credentials = [c for c in spec.get("credentials") or () if "name" in c]
    outcome = ReconcileOutcome(
        declared=tuple(c["name"] for c in credentials),
        usable=compiled.usable,
        models=tuple(m["name"] for m in spec.get("models") or () if "name" in m),
        findings=compiled.findings,
        suspended=frozenset(c["name"] for c in credentials if c.get("suspended")),
        gone=tuple(sorted(gathered.gone.items())),
    )
    if compiled.snapshot is None:
        return outcome._replace(accepted=False)
    return outcome._replace(
        answered=answered_models(compiled.snapshot),
        keys=served_keys(compiled.snapshot),
        refused_keys=compiled.refused_keys,
    )


def outcome_of_pods(outcome: ReconcileOutcome, packed: bytes) -> ReconcileOutcome:
    """Return the outcome of what is refused, with the models and keys that pods go on serving.

    `packed` is the last good snapshot.
    """
    try:
        snapshot = unpack_snapshot(packed)
    except Undeliverable:  # a newer operator has written it
        return outcome
    return outcome._replace(answered=answered_models(snapshot), keys=served_keys(snapshot))


def last_good_snapshot(packed: bytes, issued: tuple[IssuedKey, ...]) -> Snapshot | None:
    """Return the last good snapshot without keys that have ended; None where it is served as is."""
    try:
        snapshot = unpack_snapshot(packed)
    except Undeliverable:
        return None
    standing = with_issued_keys(snapshot, issued)
    return None if standing.auth == snapshot.auth else standing


def served_keys(snapshot: Snapshot) -> dict[str, str]:
    """Return the SHA-256 of each RouterKey that a snapshot has, by `namespace/name`."""
    clients = snapshot.auth.clients
    return {client.name: client.key_sha256 for client in clients if client.grant is not None}


def answered_models(snapshot: Snapshot) -> frozenset[str]:
    """Return the models that somebody can answer: a backend, or one of their fallbacks."""
    answered = {model.name for model in snapshot.models if model.tiers}
    waiting = [model for model in snapshot.models if not model.tiers and model.fallbacks]
    # Fallbacks may have fallbacks: each round but the last finds at least one more.
    while found := [model for model in waiting if not answered.isdisjoint(model.fallbacks)]:
        answered.update(model.name for model in found)
        waiting = [model for model in waiting if model.name not in answered]
    return frozenset(answered)
