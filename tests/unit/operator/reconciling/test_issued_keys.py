"""The RouterKeys of a RouterConfig, as they are gathered for its snapshot."""

from __future__ import annotations

from typing import Any

from airouter.config.snapshot import Auth, ClientKey, FormerKey, Snapshot
from airouter_operator.key_secret import KeyRecord, KeySecret, key_secret_manifest, new_key
from airouter_operator.kube.objects import ObjectKey
from airouter_operator.reconciling.issued_keys import GatheredKeys, IssuedKeys, with_issued_keys
from airouter_operator.watching.kinds import NAMESPACES, ROUTER_KEYS, SECRETS
from airouter_operator.watching.mirror import Mirror

CONFIG = ObjectKey("ai", "default")


class Cluster:
    """A mirror with RouterKeys and their Secrets."""

    def __init__(self) -> None:
        self.mirror = Mirror()
        self.issued_keys = IssuedKeys(self.mirror)
        self.version = 0

    def metadata(self, name: str, namespace: str = "a", **fields: Any) -> dict[str, Any]:
        self.version += 1
        return {
            "name": name,
            "namespace": namespace,
            "uid": f"uid of {name}",
            "generation": 1,
            "resourceVersion": str(self.version),
            **fields,
        }

    def add_key(self, name: str, created: int = 0, **fields: Any) -> None:
        spec = {"router": {"name": "default", "namespace": "ai"}, **fields.pop("spec", {})}
        created_at = f"2026-01-01T00:00:{created:02}Z"
        metadata = self.metadata(name, creationTimestamp=created_at, **fields)
        body = {"metadata": metadata, "spec": spec}
        self.mirror.put(ROUTER_KEYS, ObjectKey("a", name), body)

    def issue(self, name: str, record: KeyRecord | None = None, uid: str = "") -> KeySecret:
        """Make the Secret of a RouterKey, or one that belongs to another uid."""
        content = KeySecret(new_key(), record or KeyRecord(1000), "http://router")
        owner = {"metadata": {"name": name, "uid": uid or f"uid of {name}"}}
        secret = ObjectKey("a", name)
        manifest = key_secret_manifest(secret, owner, content, 0)
        manifest["metadata"] = {**self.metadata(name), **manifest["metadata"]}
        self.mirror.put(SECRETS, secret, manifest)
        return content

    def keys(self, now: float = 0.0) -> GatheredKeys:
        return self.issued_keys.of(CONFIG, now)

    def names(self, now: float = 0.0) -> list[str]:
        return [key.name for key in self.keys(now).issued]


def test_what_has_not_changed_is_not_gathered_anew_however_often_a_status_is_written() -> None:
    cluster = Cluster()
    for name in "ab":
        cluster.add_key(name)
        cluster.issue(name)
    before = cluster.keys()
    cluster.add_key("a")  # a later resourceVersion of the same generation
    assert cluster.keys() is before
    cluster.issue("b")
    after = cluster.keys()
    assert after.versions != before.versions
    assert after.issued[0] is before.issued[0]


def test_keys_that_were_made_come_by_their_age() -> None:
    cluster = Cluster()
    for name, created in (("new", 9), ("old", 1), ("unissued", 0)):
        cluster.add_key(name, created)
    made = {name: cluster.issue(name).key_sha256 for name in ("new", "old")}
    issued = cluster.keys().issued
    assert [(key.name, key.key_sha256) for key in issued] == [
        ("a/old", made["old"]),
        ("a/new", made["new"]),
    ]


def test_the_former_key_comes_along() -> None:
    cluster = Cluster()
    cluster.add_key("one")
    cluster.issue("one", KeyRecord(1000, "former", 2000))
    (found,) = cluster.keys().issued
    assert found.former == FormerKey("former", 2000)


def test_a_key_whose_secret_is_of_somebody_else_is_none() -> None:
    cluster = Cluster()
    cluster.add_key("one")
    cluster.issue("one", uid="uid of its namesake that was deleted")
    assert cluster.names() == []


def test_a_key_that_is_being_deleted_or_has_expired_is_none() -> None:
    cluster = Cluster()
    cluster.add_key("ending", deletionTimestamp="2026-01-01T00:00:00Z")
    cluster.add_key("brief", spec={"expiresAt": "1970-01-01T00:00:10Z"})
    for name in ("ending", "brief"):
        cluster.issue(name)
    assert (cluster.names(now=9), cluster.names(now=10)) == (["a/brief"], [])


def test_a_key_that_was_deleted_is_none() -> None:
    cluster = Cluster()
    cluster.add_key("one")
    cluster.issue("one")
    assert cluster.names() == ["a/one"]
    body = cluster.mirror.keys.get(ObjectKey("a", "one"))
    assert body is not None
    cluster.mirror.drop(ROUTER_KEYS, body)
    assert cluster.names() == []


def test_whatever_changes_a_key_changes_its_version() -> None:
    cluster = Cluster()
    cluster.mirror.put(NAMESPACES, ObjectKey("", "a"), {"metadata": cluster.metadata("a", "")})
    cluster.add_key("one")
    cluster.issue("one")
    versions = [cluster.keys().versions]
    cluster.issue("one", KeyRecord(2000))
    versions.append(cluster.keys().versions)
    cluster.add_key("one", generation=2)
    versions.append(cluster.keys().versions)
    labelled = cluster.metadata("a", "", labels={"llm": "allowed"})
    cluster.mirror.put(NAMESPACES, ObjectKey("", "a"), {"metadata": labelled})
    versions.append(cluster.keys().versions)
    assert len(set(versions)) == 4


def test_the_last_good_snapshot_has_the_keys_that_there_are_now() -> None:
    cluster = Cluster()
    cluster.add_key("stays")
    cluster.add_key("new")
    key = cluster.issue("stays").key_sha256
    cluster.issue("new")
    clients = (
        ClientKey("of the config", "1"),
        ClientKey("a/stays", "before", grant="teams"),
        ClientKey("a/gone", "2", grant="teams"),
    )
    snapshot = Snapshot(auth=Auth(clients=clients))
    issued = cluster.keys().issued
    found = with_issued_keys(snapshot, issued).auth.clients
    assert [(client.name, client.key_sha256) for client in found] == [
        ("of the config", "1"),
        ("a/stays", key),
    ]
