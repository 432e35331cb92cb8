from hashlib import sha256
from typing import Any

from airouter.config.snapshot import Auth, ClientKey, KeyGrant, Limits
from support.manifests import client, compiled, findings, grant, snapshot

SECRETS = {
    ("keys", "api-key"): "sk-master\n",
    ("keys", "team"): "sk-team",
    ("keys", "same"): " sk-team ",
    ("keys", "empty"): "",
}
MASTER = {"secretRef": {"name": "keys"}}


def hashed(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def auth(**fields: Any) -> Auth:
    return snapshot(SECRETS, auth=fields).auth


def told(**fields: Any) -> list[str]:
    return findings(SECRETS, auth=fields)


def test_keys_are_kept_by_their_hash_only() -> None:
    found = auth(masterKey=MASTER, clients=[client(models=["gpt-*"], limits={"rpm": 60})])
    assert found == Auth(
        hashed("sk-master"), (ClientKey("team", hashed("sk-team"), ("gpt-*",), Limits(rpm=60)),)
    )


def test_a_client_may_use_every_model_unless_it_says_which() -> None:
    assert auth(clients=[client()]).clients[0].models == ("*",)


def test_a_master_key_that_is_missing_rejects_everything() -> None:
    found = compiled({}, auth={"masterKey": MASTER, "anonymous": "Allow"})
    assert found.snapshot is None
    assert [str(f) for f in found.findings] == [
        "error: spec.auth.masterKey.secretRef: there is no usable Secret 'keys'"
    ]


def test_a_client_whose_key_is_missing_is_dropped() -> None:
    found = told(masterKey=MASTER, clients=[client(key="nobody"), client("b")])
    assert found == [
        (
            "error: spec.auth.clients[name=team].secretRef: Secret 'keys' has no usable key "
            "'nobody' (fix: use one of: api-key, empty, same, team)"
        )
    ]
    assert [c.name for c in auth(clients=[client(key="nobody"), client("b")]).clients] == ["b"]


def test_of_two_clients_with_one_key_the_first_has_it() -> None:
    clients = [client("a", "same"), client("b", "team")]
    assert [c.name for c in auth(clients=clients).clients] == ["a"]
    assert told(clients=clients) == [
        (
            "error: spec.auth.clients[name=b].secretRef: is the same key as that of client a "
            "(fix: use a unique key)"
        )
    ]


def test_a_client_cannot_have_the_master_key() -> None:
    fields = {"masterKey": MASTER, "clients": [client("a", "api-key")]}
    assert auth(**fields).clients == ()
    assert "is the same key as that of the master key" in told(**fields)[0]


def test_a_router_that_nobody_can_use_is_worth_a_warning() -> None:
    warning = (
        "warning: spec.auth: has no usable key: every request gets a 401 "
        "(fix: set masterKey, clients, grants, serviceAccounts, jwt, or anonymous: Allow)"
    )
    assert told() == [warning]
    assert warning in told(clients=[client(key="empty")])
    assert told(anonymous="Allow") == []


def test_anonymous_requests_are_served_where_that_is_said() -> None:
    assert auth(anonymous="Allow").anonymous
    assert not auth(anonymous="Deny").anonymous


def test_a_grant_has_its_models_and_the_limits_of_its_keys_together() -> None:
    declared = grant(models=["gpt-*"], together={"limits": {"tpm": 5}}, each={"limits": {"rpm": 1}})
    assert auth(grants=[declared]).grants == (KeyGrant("teams", ("gpt-*",), Limits(tpm=5)),)
    assert auth(grants=[grant()]).grants == (KeyGrant("teams"),)


def test_a_grant_that_is_wrong_is_dropped_and_the_others_count() -> None:
    wrong = {"name": "wrong", "namespaces": {}}
    assert auth(anonymous="Allow", grants=[wrong, grant()]).grants == (KeyGrant("teams"),)


def test_a_router_for_grants_alone_is_not_without_keys() -> None:
    assert told(grants=[grant()]) == []
