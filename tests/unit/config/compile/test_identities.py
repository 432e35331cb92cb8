"""Rules for tokens: compiled with what an operator knows of its cluster."""

from __future__ import annotations

from typing import Any

from airouter.config.compile import compile_config
from airouter.config.compile import identities as room
from airouter.config.compile.identities import ClusterIdentity
from airouter.config.compile.keys import KeyNamespace
from airouter.config.findings import Compiled
from airouter.config.jwks import public_keys
from airouter.config.loader import load_config
from airouter.config.snapshot import Limits
from airouter.config.snapshot.token_clients import (
    JwtClients,
    ServiceAccountClients,
    TokenIssuer,
)
from support.token_issuer import Issuer

CORP = Issuer("https://login.example.com")
JWKS = CORP.jwks
ISSUER = TokenIssuer("https://kubernetes.default.svc", public_keys(JWKS))
NAMESPACES = [
    KeyNamespace("team-a", {"llm": "allowed"}),
    KeyNamespace("team-b", {"llm": "no"}),
    KeyNamespace("team-c", {"llm": "allowed", "more": "x"}),
]
BY_NAME = {"name": "batch", "namespaces": {"names": ["team-a", "team-z"]}}
BY_LABEL = {"name": "batch", "namespaces": {"matchLabels": {"llm": "allowed"}}}
JWT = {
    "name": "corp",
    "issuer": CORP.url,
    "audiences": ["airouter"],
    "jwksSecretRef": {"name": "corp"},
}


def compiled(auth: dict[str, Any], cluster: ClusterIdentity | None, jwks: str = JWKS) -> Compiled:
    document = {
        "apiVersion": "airouter.dev/v1alpha1",
        "kind": "RouterConfig",
        "metadata": {"name": "default"},
        "spec": {
            "credentials": [{"name": "mock", "type": "Mock"}],
            "models": [{"name": "m", "backends": [{"credential": "mock"}]}],
            "auth": auth,
        },
    }
    config = load_config(document).config
    assert config is not None
    return compile_config(config, {("corp", "jwks.json"): jwks}, cluster=cluster)


def accounts(
    rule: dict[str, Any], cluster: ClusterIdentity | None
) -> tuple[tuple[ServiceAccountClients, ...], list[str]]:
    found = compiled({"serviceAccounts": [rule]}, cluster)
    assert found.snapshot is not None
    return found.snapshot.auth.service_accounts, [str(finding) for finding in found.findings]


def test_a_rule_has_its_namespaces_by_name_and_the_keys_of_the_cluster() -> None:
    rule = {**BY_NAME, "names": ["b-*"], "models": ["m"], "limits": {"rpm": 3}}
    found = compiled({"serviceAccounts": [rule]}, ClusterIdentity(ISSUER))
    assert found.snapshot is not None
    assert found.findings == ()
    assert found.snapshot.auth.cluster == ISSUER
    assert found.snapshot.auth.service_accounts == (
        ServiceAccountClients(
            "batch", ("team-a", "team-z"), ("b-*",), "airouter", ("m",), Limits(rpm=3)
        ),
    )


def test_namespaces_are_found_by_their_labels() -> None:
    (rule,), findings = accounts(BY_LABEL, ClusterIdentity(ISSUER, NAMESPACES))
    assert rule.namespaces == ("team-a", "team-c")
    assert findings == []


def test_labels_that_nobody_may_read_cover_nothing_and_that_is_told() -> None:
    (rule,), (finding,) = accounts(BY_LABEL, ClusterIdentity(ISSUER))
    assert rule.namespaces == ()
    assert finding.endswith("(fix: use names)")


def test_more_namespaces_than_fit_are_told_of(monkeypatch: Any) -> None:
    monkeypatch.setattr(room, "MOST_NAMESPACES", 1)
    (rule,), (finding,) = accounts(BY_LABEL, ClusterIdentity(ISSUER, NAMESPACES))
    assert rule.namespaces == ("team-a",)
    assert "covers 2 namespaces" in finding


def test_without_the_keys_of_the_cluster_no_service_account_gets_in() -> None:
    rules, findings = accounts(BY_NAME, ClusterIdentity(None))
    assert rules == ()
    assert any("system:service-account-issuer-discovery" in finding for finding in findings)


def test_without_an_operator_the_rules_have_no_effect_and_that_is_told() -> None:
    found = compiled({"serviceAccounts": [BY_NAME]}, None)
    assert found.snapshot is not None
    assert found.snapshot.auth.service_accounts == ()
    assert [f.severity for f in found.findings] == ["warning", "warning"]


def test_keys_of_another_issuer_come_from_a_secret() -> None:
    found = compiled({"jwt": [{**JWT, "clientClaim": "client_id"}]}, None)
    assert found.snapshot is not None
    assert found.findings == ()
    assert found.snapshot.auth.jwt == (
        JwtClients("corp", TokenIssuer(CORP.url, public_keys(JWKS)), ("airouter",), "client_id"),
    )


def test_a_secret_that_holds_no_keys_drops_the_rule_and_is_not_quoted() -> None:
    found = compiled({"jwt": [JWT], "anonymous": "Allow"}, None, '{"keys": "s3cret"}')
    assert found.snapshot is not None
    assert found.snapshot.auth.jwt == ()
    assert [str(finding) for finding in found.findings] == [
        "error: spec.auth.jwt[name=corp].jwksSecretRef: key 'jwks.json' of Secret 'corp' is no JWK"
        " set (fix: store the JSON that the issuer's jwks_uri shows)"
    ]
