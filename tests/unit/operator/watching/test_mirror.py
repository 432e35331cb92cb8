"""What the operator remembers of the cluster."""

from typing import Any

from airouter_operator.kube.objects import ObjectKey
from airouter_operator.watching.kinds import ROUTER_CONFIGS, ROUTER_KEYS, SECRETS
from airouter_operator.watching.mirror import Mirror, secrets_named

CONFIG = ObjectKey("ai", "default")


def body(name: str, version: int, uid: str = "u", **content: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "ai", "resourceVersion": str(version), "uid": uid}
    return {"metadata": metadata, **content}


def config(version: int, *secrets: str) -> dict[str, Any]:
    credentials = [{"name": f"c-{s}", "secretRef": {"name": s}} for s in secrets]
    return body("default", version, spec={"credentials": credentials})


def test_an_older_object_never_replaces_a_newer_one() -> None:
    mirror = Mirror()
    assert mirror.put(SECRETS, ObjectKey("ai", "s"), body("s", 9, data={"k": "bmV3"}))
    assert not mirror.put(SECRETS, ObjectKey("ai", "s"), body("s", 8, data={"k": "b2xk"}))
    assert (mirror.secrets.get(ObjectKey("ai", "s")) or {})["data"] == {"k": "bmV3"}


def test_a_secret_knows_who_names_it() -> None:
    mirror = Mirror()
    mirror.put(ROUTER_CONFIGS, CONFIG, config(1, "a", "b"))
    assert mirror.naming(ObjectKey("ai", "a")) == (CONFIG,)
    mirror.put(ROUTER_CONFIGS, CONFIG, config(2, "b"))
    assert mirror.naming(ObjectKey("ai", "a")) == ()
    assert mirror.naming(ObjectKey("ai", "b")) == (CONFIG,)
    mirror.drop(ROUTER_CONFIGS, config(2, "b"))
    assert mirror.naming(ObjectKey("ai", "b")) == ()
    assert mirror.secrets_of(CONFIG) == frozenset()


def test_a_secret_of_another_namespace_is_another_secret() -> None:
    mirror = Mirror()
    mirror.put(ROUTER_CONFIGS, CONFIG, config(1, "a"))
    assert mirror.naming(ObjectKey("other", "a")) == ()


def test_the_end_of_an_older_object_of_the_same_name_changes_nothing() -> None:
    mirror = Mirror()
    mirror.put(ROUTER_CONFIGS, CONFIG, body("default", 5, uid="new"))
    assert not mirror.drop(ROUTER_CONFIGS, body("default", 6, uid="old"))
    assert CONFIG in set(mirror.configs)


def test_only_what_is_needed_is_kept() -> None:
    mirror = Mirror()
    secret = body("s", 1, data={}, type="Opaque", more="x" * 1000)
    secret["metadata"] |= {"managedFields": ["x"], "annotations": {"copy": "of-everything"}}
    mirror.put(SECRETS, ObjectKey("ai", "s"), secret)
    kept = mirror.secrets.get(ObjectKey("ai", "s")) or {}
    assert set(kept) == {"metadata", "data", "type"}
    assert set(kept["metadata"]) == {"name", "namespace", "resourceVersion", "uid"}


def test_every_kind_of_reference_to_a_secret_is_found() -> None:
    spec = {
        "credentials": [
            {"secretRef": {"name": "a"}, "tls": {"caSecretRef": {"name": "b", "key": "ca.crt"}}}
        ],
        "auth": {
            "masterKey": {"secretRef": {"name": "c"}},
            "clients": [{"secretRef": {"name": "d"}}],
        },
        "responses": {"sealing": {"keys": [{"secretRef": {"name": "e"}}]}},
        "redis": {"urlSecretRef": {"name": "f"}},
        "models": [{"parameters": {"defaults": {"secretRef": "no reference"}}}],
    }
    assert {key.name for key in secrets_named(spec, "ai")} == set("abcdef")


def router_key(version: int, generation: int, router: str, **metadata: str) -> dict[str, Any]:
    found = body("checkout", version, spec={"router": {"name": router}})
    found["metadata"] |= {"generation": generation, **metadata}
    return found


def test_the_status_of_a_key_concerns_no_routerconfig_however_often_it_is_written() -> None:
    mirror, key = Mirror(), ObjectKey("ai", "checkout")
    for version in (1, 2, 3):
        told = router_key(version, 1, "default")
        mirror.notice(ROUTER_KEYS, key, told)
        assert set(mirror.concerned(ROUTER_KEYS, told)) == ({CONFIG} if version == 1 else set())
        assert mirror.concerned_keys(ROUTER_KEYS, key) == (key,)
    moved = router_key(4, 2, "other")
    mirror.notice(ROUTER_KEYS, key, moved)
    assert set(mirror.concerned(ROUTER_KEYS, moved)) == {CONFIG, ObjectKey("ai", "other")}
    ending = router_key(5, 2, "other", deletionTimestamp="2026-11-29T00:00:00Z")
    mirror.notice(ROUTER_KEYS, key, ending)
    assert set(mirror.concerned(ROUTER_KEYS, ending)) == {ObjectKey("ai", "other")}
    mirror.drop(ROUTER_KEYS, ending)
    assert set(mirror.concerned(ROUTER_KEYS, ending)) == {ObjectKey("ai", "other")}
    again = router_key(6, 2, "other")
    mirror.notice(ROUTER_KEYS, key, again)
    assert set(mirror.concerned(ROUTER_KEYS, again)) == {ObjectKey("ai", "other")}
