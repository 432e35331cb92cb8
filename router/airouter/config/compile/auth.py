"""Compiles `spec.auth`: keys become their SHA-256, and each belongs to one principal."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from airouter.config import snapshot
from airouter.config.compile.budgets import compile_budget, compile_budgets
from airouter.config.compile.credentials import compile_limits
from airouter.config.compile.identities import compile_identities
from airouter.config.findings import NamedItem, choice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.config.compile.identities import ClusterIdentity
    from airouter.config.compile.vault import Vault
    from airouter.config.findings import Report
    from airouter.config.resource import Auth, Client, KeyGrant


def compile_auth(
    declared: Auth, vault: Vault, report: Report, cluster: ClusterIdentity | None = None
) -> snapshot.Auth:
    """Compile the keys. A declared master key that cannot be used rejects the configuration."""
    master = None
    if declared.master_key is not None:
        path = ("spec", "auth", "masterKey", "secretRef")
        key = vault.key(declared.master_key.secret_ref, path, rejects=True)
        master = None if key is None else digest(key)
    tokens = compile_identities(declared, vault, report, cluster)
    auth = snapshot.Auth(
        master_sha256=master,
        clients=tuple(compile_clients(declared, master, vault, report)),
        groups=tuple(
            snapshot.Group(group.name, compile_limits(group.limits), compile_budget(group.budget))
            for group in declared.groups
        ),
        batch_queue=snapshot.BatchQueue(declared.batch_queue.length, declared.batch_queue.max_wait),
        grants=tuple(map(compile_grant, declared.grants)),
        cluster=tokens.cluster,
        service_accounts=tokens.service_accounts,
        jwt=tokens.jwt,
        anonymous=declared.anonymous == "Allow",
    )
    note_unknown_groups(declared, report)
    somebody = auth.master_sha256 or auth.clients or auth.grants or auth.anonymous
    if not (somebody or auth.service_accounts or auth.jwt or report.rejected):
        what = "has no usable key: every request gets a 401"
        fix = "set masterKey, clients, grants, serviceAccounts, jwt, or anonymous: Allow"
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
        yield compile_client(client, key)


def compile_client(client: Client, key: str) -> snapshot.ClientKey:
    """Compile a client whose key is known."""
    return snapshot.ClientKey(
        client.name,
        digest(key),
        tuple(client.models),
        compile_limits(client.limits),
        tuple(
            snapshot.ModelLimits(entry.models, compile_limits(entry.limits))
            for entry in client.model_limits
        ),
        tuple(client.groups),
        is_batch=client.priority == "Batch",
        budgets=compile_budgets(client.budget),
    )


def note_unknown_groups(declared: Auth, report: Report) -> None:
    """Report groups that a client, or a rule for tokens, names and nobody declares."""
    known = {group.name for group in declared.groups}
    named = [("clients", each.name, each.groups) for each in declared.clients]
    named += [("serviceAccounts", each.name, each.groups) for each in declared.service_accounts]
    named += [("jwt", each.name, each.groups) for each in declared.jwt]
    for field, owner, groups in named:
        for name in groups:
            if name not in known:
                path = ("spec", "auth", field, NamedItem(owner), "groups")
                fix = choice(known) or "declare it in spec.auth.groups"
                report.error(path, f"there is no group {name}", fix)


def compile_grant(declared: KeyGrant) -> snapshot.KeyGrant:
    """Compile a grant: what counts for its keys, but not who they are for."""
    together = declared.together
    limits, budget = compile_limits(together.limits), compile_budget(together.budget)
    return snapshot.KeyGrant(declared.name, tuple(declared.models), limits, budget)


def digest(key: str) -> str:
    """Return the SHA-256 in hex by which a request's key is looked up."""
    return hashlib.sha256(key.encode()).hexdigest()
