"""RouterKeys: which are admitted, by which grant, and what they may use."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import pytest

from airouter.config.compile import compile_config, keys
from airouter.config.compile.keys import IssuedKey, KeyNamespace
from airouter.config.delivery import pack_snapshot
from airouter.config.findings import Compiled
from airouter.config.loader import load_config
from airouter.config.resource.routerkey import RouterKeySpec
from airouter.config.snapshot import ClientKey, FormerKey, Limits
from support.manifests import client, document, grant, model

ALLOWED = {"name": "product", "namespaces": {"matchLabels": {"llm": "allowed"}}}
SECRETS = {("keys", "team"): "sk-team"}


def issued(
    name: str = "team-a/checkout",
    labels: Mapping[str, str] | None = None,
    sha: str = "",
    former: FormerKey | None = None,
    **spec: Any,
) -> IssuedKey:
    """A key of `team-a`; unless it is given, its digest is made of its name."""
    declared = RouterKeySpec.model_validate(
        {"router": {"name": "default", "namespace": "ai"}, **spec}
    )
    namespace = KeyNamespace(name.split("/", maxsplit=1)[0], labels)
    return IssuedKey(name, declared, namespace, sha or f"sha of {name}", former)


def compiled(*made: IssuedKey, models: tuple[str, ...] = ("gpt-4o", "o3"), **auth: Any) -> Compiled:
    """A RouterConfig with some models, compiled with keys."""
    names = [model(name=name, backends=[{"credential": "main"}]) for name in models]
    given = document(models=names, auth={"anonymous": "Allow", **auth})
    loaded = load_config(given)
    assert loaded.config is not None
    assert loaded.findings == ()
    return compile_config(loaded.config, {("keys", "api-key"): "x", **SECRETS}, issued=made)


def clients(found: Compiled) -> tuple[ClientKey, ...]:
    assert found.snapshot is not None
    return found.snapshot.auth.clients


def refusal(found: Compiled, name: str = "team-a/checkout") -> tuple[str, str]:
    assert name not in [each.name for each in clients(found)]
    refused = found.refused_keys[name]
    return refused.reason, refused.message


def test_a_key_is_a_client_by_the_grant_of_its_namespace() -> None:
    former = FormerKey("old", 1000.0)
    key = issued(models=["gpt-*"], former=former, expiresAt="2027-06-30T00:00:00Z")
    assert clients(compiled(key, grants=[grant("teams", "team-a")])) == (
        ClientKey(
            "team-a/checkout",
            "sha of team-a/checkout",
            ("gpt-*",),
            grant="teams",
            expires_at=1814313600.0,
            former=former,
        ),
    )


def test_a_key_has_the_lower_of_its_own_limits_and_those_of_each() -> None:
    each = {"limits": {"rpm": 600, "tpm": 1000}}
    key = issued(limits={"rpm": 60, "maxConcurrent": 5})
    (found,) = clients(compiled(key, grants=[grant(each=each)]))
    assert found.limits == Limits(rpm=60, tpm=1000, max_concurrent=5)
    (found,) = clients(compiled(issued(limits={"rpm": 6000}), grants=[grant(each=each)]))
    assert found.limits == Limits(rpm=600, tpm=1000)


def test_a_namespace_without_a_grant_is_told_which_one_is_missing() -> None:
    assert refusal(compiled(issued(), grants=[grant("others", "team-b")])) == (
        "NoGrant",
        "no grant of RouterConfig ai/default covers namespace team-a (fix: have it granted in "
        "spec.auth.grants, with namespaces: {names: [team-a]})",
    )


@pytest.mark.parametrize("labels", [{}, {"llm": "no"}, {"other": "allowed"}])
def test_a_grant_by_labels_covers_namespaces_that_have_them_alone(labels: dict[str, str]) -> None:
    assert refusal(compiled(issued(labels=labels), grants=[ALLOWED]))[0] == "NoGrant"
    (found,) = clients(compiled(issued(labels={**labels, "llm": "allowed"}), grants=[ALLOWED]))
    assert found.grant == "product"


def test_where_labels_cannot_be_read_a_grant_by_labels_is_named() -> None:
    reason, message = refusal(compiled(issued(labels=None), grants=[ALLOWED]))
    assert reason == "NoGrant"
    assert "; grant product goes by labels of namespaces, which only an operator that" in message


def test_a_key_for_models_that_are_not_granted_is_told_which_are() -> None:
    assert refusal(compiled(issued(models=["o3"]), grants=[grant(models=["gpt-*"])])) == (
        "NoModelGranted",
        "grant teams of RouterConfig ai/default allows no model that this key asks for "
        "(fix: ask for some of these: gpt-*)",
    )


def test_of_several_grants_the_first_one_counts_that_allows_a_model() -> None:
    grants = [grant("small", models=["gpt-*"]), grant("large", models=["o3"]), grant("all")]
    (found,) = clients(compiled(issued(models=["o*"]), grants=grants))
    assert found.grant == "large"


def test_a_key_that_another_client_has_is_refused() -> None:
    grants = [grant("teams", "team-a", "team-b")]
    found = compiled(issued("team-a/x", sha="s"), issued("team-b/y", sha="s"), grants=grants)
    assert [each.name for each in clients(found)] == ["team-a/x"]
    assert refusal(found, "team-b/y")[0] == "DuplicateKey"


def test_the_oldest_keys_are_served_where_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keys, "MOST_KEYS", 2)
    found = compiled(*(issued(f"team-a/{n}") for n in "abc"), grants=[grant()])
    assert [each.name for each in clients(found)] == ["team-a/a", "team-a/b"]
    assert refusal(found, "team-a/c")[0] == "TooManyKeys"


def test_keys_that_do_not_fit_into_a_secret_are_refused_the_youngest_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = [
        issued(f"team-a/{n}", sha=hashlib.sha256(b"%d" % n).hexdigest(), models=["*"])
        for n in range(200)
    ]
    room = 6_000
    monkeypatch.setattr(keys, "MOST_PACKED", room)
    found = compiled(*made, grants=[grant()])
    served = [each.name for each in clients(found)]
    assert served == [key.name for key in made[: len(served)]]
    assert refusal(found, "team-a/199")[0] == "TooManyKeys"
    assert found.snapshot is not None
    assert 0.9 * room < len(pack_snapshot(found.snapshot)) < room + 100


def test_a_router_config_without_room_for_any_key_is_served_without_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keys, "MOST_PACKED", 1)
    found = compiled(issued(), grants=[grant()], clients=[client()])
    assert [each.name for each in clients(found)] == ["team"]
    assert refusal(found)[0] == "TooManyKeys"


def test_clients_of_the_router_config_stay_beside_keys() -> None:
    found = compiled(issued(), grants=[grant()], clients=[client()])
    assert [each.name for each in clients(found)] == ["team", "team-a/checkout"]


def test_nothing_of_a_key_is_shown() -> None:
    assert repr(issued(sha="secret")) == "IssuedKey(name='team-a/checkout')"
