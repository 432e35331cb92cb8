"""Compiles `auth.serviceAccounts` and `auth.jwt`: whose tokens are good, and by which keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from airouter.config import snapshot
from airouter.config.compile.budgets import compile_budgets
from airouter.config.compile.credentials import compile_limits
from airouter.config.compile.keys import KeyNamespace, covers
from airouter.config.findings import NamedItem
from airouter.config.jwks import UnreadableJwks, public_keys
from airouter.config.snapshot.token_clients import JwtClients, ServiceAccountClients, TokenIssuer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airouter.config.compile.vault import Vault
    from airouter.config.findings import Path, Report
    from airouter.config.resource import Auth
    from airouter.config.resource.namespaces import Namespaces

MOST_NAMESPACES = 2048
"""Namespaces of one rule: a snapshot has to fit into a Secret."""


class ClusterIdentity(NamedTuple):
    """Knowledge of an operator about its cluster: the issuer of tokens, and the namespaces."""

    issuer: TokenIssuer | None
    """None where the API server does not tell."""
    namespaces: Sequence[KeyNamespace] | None = None
    """With their labels; None where those cannot be read."""


def compile_identities(
    declared: Auth, vault: Vault, report: Report, cluster: ClusterIdentity | None
) -> snapshot.Auth:
    """Return the rules for tokens, and nothing else of `spec.auth`.

    `cluster` is None where no operator compiles.
    """
    return snapshot.Auth(
        cluster=cluster.issuer if cluster is not None and declared.service_accounts else None,
        service_accounts=tuple(compile_service_accounts(declared, report, cluster)),
        jwt=tuple(compile_jwt(declared, vault, report)),
    )


def compile_service_accounts(
    declared: Auth, report: Report, cluster: ClusterIdentity | None
) -> Iterator[ServiceAccountClients]:
    """Yield the rules for ServiceAccounts, with the namespaces that they cover by name."""
    if not declared.service_accounts:
        return
    path: Path = ("spec", "auth", "serviceAccounts")
    if cluster is None:
        what = "is for an operator, which knows the cluster's keys: without one it has no effect"
        report.warning(path, what, "have an operator serve it, or use jwt with those keys")
        return
    if cluster.issuer is None:
        what = "the API server does not show the keys of its ServiceAccounts"
        fix = "bind the ClusterRole system:service-account-issuer-discovery to the operator"
        report.error(path, what, fix)
        return
    for rule in declared.service_accounts:
        where = (*path, NamedItem(rule.name), "namespaces")
        yield ServiceAccountClients(
            rule.name,
            covered(rule.namespaces, cluster, where, report),
            tuple(rule.names),
            rule.audience,
            tuple(rule.models),
            compile_limits(rule.limits),
            tuple(rule.groups),
            compile_budgets(rule.budget),
        )


def covered(
    declared: Namespaces, cluster: ClusterIdentity, path: Path, report: Report
) -> tuple[str, ...]:
    """Return the namespaces of a rule by name."""
    if declared.names is not None:
        return tuple(declared.names)
    if cluster.namespaces is None:
        what = "goes by labels of namespaces, which only an operator that watches the cluster reads"
        report.error(path, what, "use names", reason="NamespaceNotWatched")
        return ()
    found = sorted(each.name for each in cluster.namespaces if covers(declared, each))
    if len(found) > MOST_NAMESPACES:
        what = f"covers {len(found)} namespaces, of which the first {MOST_NAMESPACES} count"
        report.error(path, what, "use narrower labels")
    return tuple(found[:MOST_NAMESPACES])


def compile_jwt(declared: Auth, vault: Vault, report: Report) -> Iterator[JwtClients]:
    """Yield the rules for tokens of other issuers, those whose keys can be used."""
    for rule in declared.jwt:
        path = ("spec", "auth", "jwt", NamedItem(rule.name), "jwksSecretRef")
        text = vault.value(rule.jwks_secret_ref, path, "jwks.json")
        if text is None:
            continue
        try:
            keys = public_keys(text)
        except UnreadableJwks as unreadable:
            where = f"key {rule.jwks_secret_ref.key or 'jwks.json'!r} of Secret"
            what = f"{where} {rule.jwks_secret_ref.name!r} {unreadable}"
            fix = "store the JSON that the issuer's jwks_uri shows"
            report.error(path, what, fix, reason="InvalidSecretFormat")
            continue
        yield JwtClients(
            rule.name,
            TokenIssuer(rule.issuer, keys),
            tuple(rule.audiences),
            rule.client_claim,
            tuple(rule.models),
            compile_limits(rule.limits),
            tuple(rule.groups),
            compile_budgets(rule.budget),
        )
