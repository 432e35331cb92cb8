"""The kinds of objects that are watched, one row each.

A kind is watched by kopf, kept in the mirror, and listed by the resync, all by its row. Of Secrets,
Services and EndpointSlices, watches report no more than the metadata (`login.py`). The operator's
role needs `list` and `watch` for it (`manifests/install/rbac.yaml`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airouter_operator.kube.paths import (
    GROUP,
    VERSION,
    configs_in,
    endpoint_slices_in,
    namespaces_in,
    router_keys_in,
    secrets_in,
    services_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


# Compared by identity, so that kinds are cheap keys of dictionaries.
@dataclass(frozen=True, eq=False)
class WatchedKind:
    """A kind of objects; two are the same only if they are one object."""

    plural: str
    group: str
    version: str
    kept: tuple[str, ...]
    """Fields that the mirror keeps of an object, beside its metadata."""
    path: Callable[[str | None], str]
    """The path of its lists."""
    selector: str = ""
    """A field selector for the objects that matter."""

    def __str__(self) -> str:
        return self.plural


ROUTER_CONFIGS = WatchedKind(
    "routerconfigs", GROUP, VERSION, ("apiVersion", "kind", "spec", "status"), configs_in
)
SECRETS = WatchedKind(
    "secrets",
    "",
    "v1",
    ("type", "data"),
    secrets_in,
    # No RouterConfig names these, and some of them are many and large.
    selector="type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token",
)
ROUTER_KEYS = WatchedKind(
    "routerkeys", GROUP, VERSION, ("apiVersion", "kind", "spec", "status"), router_keys_in
)
SERVICES = WatchedKind("services", "", "v1", ("spec",), services_in)
ENDPOINT_SLICES = WatchedKind(
    "endpointslices",
    "discovery.k8s.io",
    "v1",
    ("addressType", "endpoints", "ports"),
    endpoint_slices_in,
)
NAMESPACES = WatchedKind("namespaces", "", "v1", (), namespaces_in)
"""Their labels, by which grants may go."""
WHOLE = (ROUTER_CONFIGS, ROUTER_KEYS)
"""Kinds that are taken in as they are listed; of others it tells what is to be read."""
WATCHED_KINDS = (ROUTER_CONFIGS, ROUTER_KEYS, SECRETS, SERVICES, ENDPOINT_SLICES)
"""What is watched in every namespace that the operator serves."""


def kinds_in(scopes: Sequence[str | None]) -> tuple[WatchedKind, ...]:
    """Return the kinds that are watched in some namespaces, or (None) in the cluster."""
    return (*WATCHED_KINDS, NAMESPACES) if None in scopes else WATCHED_KINDS
