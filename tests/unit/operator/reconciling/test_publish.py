"""A snapshot is published, and beside it what has changed of the one before."""

from __future__ import annotations

import gzip
import hashlib
from typing import Any

import msgspec
import pytest

from airouter.config.delivery import unpack_snapshot
from airouter.config.key_changes import after_changes, read_changes
from airouter.config.snapshot import Auth, ClientKey, Model, Snapshot
from airouter_operator.kube.objects import ObjectKey
from airouter_operator.publication import Publication, packed_digest
from airouter_operator.reconciling.publish import LARGE, Publisher
from airouter_operator.watching.mirror import Mirror

CONFIG = ObjectKey("ai", "default")
BODY = {"metadata": {"name": "default", "namespace": "ai", "uid": "u", "generation": 1}}


class Applied:
    """An API server that takes every Secret."""

    def __init__(self) -> None:
        self.version = 0

    async def apply(self, path: str, manifest: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        manifest["metadata"]["resourceVersion"] = str(self.version)
        return manifest


def snapshot(count: int, model: str = "m") -> Snapshot:
    clients = (
        ClientKey(f"team/{n}", hashlib.sha256(b"%d" % n).hexdigest(), grant="teams")
        for n in range(count)
    )
    return Snapshot(auth=Auth(clients=tuple(clients)), models=(Model(model),))


async def published(*snapshots: Snapshot) -> list[Publication]:
    """Publish one after the other."""
    mirror = Mirror()
    publisher = Publisher(Applied(), mirror, "https://operator", lambda: "ca", lambda: 1e9)  # type: ignore[arg-type]
    found: list[Publication] = []
    for each in snapshots:
        found.append(await publisher.publish(CONFIG, BODY, each, found[-1] if found else None))
    return found


async def test_of_a_large_snapshot_a_change_of_one_key_is_a_few_hundred_bytes() -> None:
    one, two = await published(snapshot(1000), snapshot(1001))
    assert one.changes is None
    assert two.changes is not None
    assert len(two.changes.content) < 500 < LARGE < two.size
    before = unpack_snapshot(one.packed)
    assert before.version == two.changes.base
    after = after_changes(before, read_changes(two.changes.content))
    assert after == unpack_snapshot(two.packed)


async def test_what_is_small_or_more_than_keys_is_published_as_a_whole() -> None:
    assert [each.changes for each in await published(snapshot(3), snapshot(4))] == [None, None]
    assert (await published(snapshot(1000), snapshot(1000, "other")))[1].changes is None


async def test_changes_that_are_more_than_the_whole_are_not_published() -> None:
    few = snapshot(1000)
    none = msgspec.structs.replace(few, auth=Auth())
    assert (await published(none, few))[1].changes is None


@pytest.mark.parametrize("written", ["a field", "a schema"])
async def test_of_a_snapshot_that_another_version_of_the_operator_has_written_nothing_follows(
    written: str,
) -> None:
    (one,) = await published(snapshot(1000))
    parcel = msgspec.json.decode(gzip.decompress(one.packed))
    if written == "a field":
        parcel["snapshot"]["later"] = 1
    else:
        parcel["schema_version"] -= 1
    packed = gzip.compress(msgspec.json.encode(parcel))
    record = msgspec.structs.replace(one.record, digest=packed_digest(packed))
    publisher = Publisher(Applied(), Mirror(), "https://operator", lambda: "ca", lambda: 1e9)  # type: ignore[arg-type]
    before = one._replace(packed=packed, record=record)
    assert publisher.is_intact(CONFIG, BODY, before)
    assert (await publisher.publish(CONFIG, BODY, snapshot(1001), before)).changes is None


async def test_of_a_snapshot_that_somebody_has_edited_nothing_follows() -> None:
    (one,) = await published(snapshot(1000))
    edited = one._replace(packed=one.packed + b"x")
    publisher = Publisher(Applied(), Mirror(), "https://operator", lambda: "ca", lambda: 1e9)  # type: ignore[arg-type]
    two = await publisher.publish(CONFIG, BODY, snapshot(1001), edited)
    assert two.changes is None
    assert msgspec.json.encode(two.record)
