"""Compiles `spec.auth`: keys become their SHA-256, and each belongs to one principal."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from airouter.config import snapshot
from airouter.config.compile.credentials import compile_limits
from airouter.config.findings import NamedItem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.config.compile.vault import Vault
    from airouter.config.findings import Report
    from airouter.config.resource import Auth, KeyGrant


def compile_auth(declared: Auth, vault: Vault, report: Report) -> snapshot.Auth:
    """Compile the keys. A declared master key that cannot be used rejects the configuration."""
    master = None
    if declared.master_key is not None:
        path = ("spec", "auth", "masterKey", "secretRef")
        key = vault.key(declared.master_key.secret_ref, path, rejects=True)
        master = None if key is None else digest(key)
    auth = snapshot.Auth(
        master_sha256=master,
        clients=tuple(compile_clients(declared, master, vault, report)),
        grants=tuple(map(compile_grant, declared.grants)),
        anonymous=declared.anonymous == "Allow",
    )
    somebody = auth.master_sha256 or auth.clients or auth.grants or auth.anonymous
    if not (somebody or report.rejected):
        what = "has no usable key: every request gets a 401"
        fix = "set masterKey, clients, grants, or anonymous: Allow"
        report.warning(("spec", "auth"), what, fix)
    return auth


def compile_clients(
    declared: Auth, master: str | None, vault: Vault, report: Report
) -> Iterator[snapshot.ClientKey]:
    """Yield the clients whose key can be used and is nobody else's."""
    # The master key first: a client that had the same key would else get all models.
    owners = {} if master is None else {master: "the master key"}
    for client in declared.clients:
        path = ("spec", "auth", "clients", NamedItem(client.name), "secretRef")
        key = vault.key(client.secret_ref, path)
        if key is None:
            continue
        owner = owners.setdefault(digest(key), f"client {client.name}")
        if owner != f"client {client.name}":
            report.error(path, f"is the same key as that of {owner}", "use a unique key")
            continue
        yield snapshot.ClientKey(
            client.name, digest(key), tuple(client.models), compile_limits(client.limits)
        )


def compile_grant(declared: KeyGrant) -> snapshot.KeyGrant:
    """Compile a grant: what counts for its keys, but not who they are for."""
    limits = compile_limits(declared.together.limits)
    return snapshot.KeyGrant(declared.name, tuple(declared.models), limits)


def digest(key: str) -> str:
    """Return the SHA-256 in hex by which a request's key is looked up."""
    return hashlib.sha256(key.encode()).hexdigest()
