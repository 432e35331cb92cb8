"""Publishing: a snapshot is written into the Secret that pods mount.

The Secret belongs to the RouterConfig, so that it is collected with it. A write names the version
of the Secret that it replaces: of two operators, the one that knows less gets a conflict and looks
again.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import secrets
from typing import TYPE_CHECKING

import msgspec

from airouter.config.delivery import (
    SNAPSHOT_FILE,
    STREAM_FILE,
    Stream,
    Undeliverable,
    pack_snapshot,
    parcel_of,
    unpack_snapshot,
    unzip,
)
from airouter.config.key_changes import changes_between
from airouter.config.resource import API_VERSION, KIND
from airouter_operator.kube.errors import explain_refusal
from airouter_operator.kube.objects import generation_of, uid_of
from airouter_operator.kube.paths import secret_at
from airouter_operator.publication import (
    RECORD_FILE,
    SECRET_TYPE,
    Publication,
    PublicationRecord,
    PublishedChanges,
    packed_digest,
    read_publication,
    secret_of_config,
    short_version,
    stream_path,
)
from airouter_operator.retry import RetryLater
from airouter_operator.watching.kinds import SECRETS

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.config.snapshot import Snapshot
    from airouter_operator.kube.api import KubeApi
    from airouter_operator.kube.errors import KubeError
    from airouter_operator.kube.objects import Object, ObjectKey
    from airouter_operator.watching.mirror import Mirror

logger = logging.getLogger("airouter.operator")

MAX_SIZE = 1_000_000
"""Bytes of all files. The API server takes 1 MiB (1,048,576), base64 not counted."""
LARGE = 16_384
"""Bytes of a packed snapshot from which on changes travel in place of it, where that can be."""


class SnapshotTooLarge(Exception):
    """The snapshot does not fit into a Secret."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the snapshot takes {size} bytes, and a Secret at most {MAX_SIZE}")


class Publisher:
    """Keeps snapshot Secrets as they should be."""

    def __init__(
        self,
        kube: KubeApi,
        mirror: Mirror,
        url: str,
        bundle: Callable[[], str],
        clock: Callable[[], float],
    ) -> None:
        """Send pods to `url`, the root of the stream, which they know by the `bundle` (PEM).

        `clock` gives Unix seconds.
        """
        self._kube = kube
        self._mirror = mirror
        self._url = url
        self._bundle = bundle
        self._clock = clock

    def published(self, key: ObjectKey) -> Publication | None:
        """Return the content of the snapshot Secret, if it is there and ours."""
        body = self._mirror.secrets.get(secret_of_config(key))
        return None if body is None else read_publication(body)

    def is_intact(self, key: ObjectKey, config: Object, published: Publication) -> bool:
        """Return whether a publication is unchanged, and addressed as it should be."""
        unchanged = published.record.digest == packed_digest(published.packed)
        return unchanged and self.is_addressed(key, config, published)

    def is_addressed(self, key: ObjectKey, config: Object, published: Publication) -> bool:
        """Return whether a publication belongs to its RouterConfig, and names the right stream."""
        addressed = published.stream == self._stream(key, published.stream.token)
        return addressed and published.record.owner == uid_of(config)

    def why_refused(self, key: ObjectKey, error: KubeError) -> str:
        """Return why the API server does not take the Secret, as far as can be told."""
        name = secret_of_config(key).name
        there = self._mirror.secrets.get(secret_of_config(key))
        if there is not None and there.get("type") != SECRET_TYPE:
            return (
                f"Secret {name} is there already and is no snapshot: its type is"
                f" {there.get('type')} (fix: keep that Secret under another name)"
            )
        return explain_refusal(name, error)

    async def publish(
        self, key: ObjectKey, config: Object, snapshot: Snapshot, before: Publication | None
    ) -> Publication:
        """Write a snapshot unless it is there, and return what is there.

        Raises `SnapshotTooLarge`, `RetryLater` or `KubeError`.
        """
        # The version is salted with the token of the stream, which nobody else knows: it is shown
        # in the status, and must not confirm a guess of a key.
        token = before.stream.token if before else secrets.token_urlsafe(32)
        # In threads: with thousands of keys it takes a tenth of a second.
        sealed = await asyncio.to_thread(snapshot.seal, token)
        same = before is not None and sealed.version == before.record.version
        if before is not None and same and self.is_intact(key, config, before):
            return before
        serial = self._serial(config, before)
        numbered = msgspec.structs.replace(sealed, serial=serial)
        packed = await asyncio.to_thread(pack_snapshot, numbered)
        record = PublicationRecord(
            sealed.version, serial, generation_of(config), uid_of(config), packed_digest(packed)
        )
        name = secret_of_config(key).name
        changes = None
        if before is not None and len(packed) > LARGE and self.is_intact(key, config, before):
            changes = await asyncio.to_thread(changes_from, before, numbered, len(packed))
        publication = Publication(record, name, self._stream(key, token), packed, changes)
        await self._put(key, publication)
        version = short_version(record.version)
        logger.info("%s: %s is published, %d bytes", key, version, publication.size)
        return publication

    async def readdress(self, key: ObjectKey, config: Object, before: Publication) -> Publication:
        """Have an older publication name the right stream, if there is room for that.

        Raises `KubeError`.
        """
        if self.is_addressed(key, config, before):
            return before
        record = msgspec.structs.replace(before.record, owner=uid_of(config))
        publication = before._replace(record=record, stream=self._stream(key, before.stream.token))
        try:
            await self._put(key, publication)
        except SnapshotTooLarge:
            return before
        return publication

    async def _put(self, key: ObjectKey, publication: Publication) -> None:
        """Write the Secret. Raises `SnapshotTooLarge` or `KubeError`."""
        secret = secret_of_config(key)
        manifest = secret_manifest(key, publication, self._mirror.secrets.version(secret))
        body = await self._kube.apply(secret_at(secret), manifest)
        self._mirror.put(SECRETS, secret, body)

    def _serial(self, config: Object, before: Publication | None) -> int:
        """Return the next serial. Raises `RetryLater` for a RouterConfig that is out of date."""
        serial = int(self._clock() * 1000)
        if before is None:
            return serial
        same_object = before.record.owner == uid_of(config)
        if same_object and before.record.generation > generation_of(config):
            raise RetryLater("a newer generation was published: this one is out of date")
        return max(serial, before.record.serial + 1)

    def _stream(self, key: ObjectKey, token: str) -> Stream:
        return Stream(f"{self._url}{stream_path(key)}", self._bundle(), token)


def changes_from(before: Publication, after: Snapshot, size: int) -> PublishedChanges | None:
    """Return what has changed since a publication; None where it is more than keys.

    None, too, where they take `size` bytes or more, or where another version of the operator has
    written that publication: pods may know more of it than can be read here.
    """
    try:
        known = unpack_snapshot(before.packed)
    except Undeliverable:
        return None
    if parcel_of(known) != unzip(before.packed):
        return None
    changes = changes_between(known, after)
    if changes is None:
        return None
    content = msgspec.json.encode(changes)
    return PublishedChanges(before.record.version, content) if len(content) < size else None


def secret_manifest(key: ObjectKey, publication: Publication, version: int) -> Object:
    """Return the Secret that replaces one of a version; 0 for none. Raises `SnapshotTooLarge`."""
    files = {
        SNAPSHOT_FILE: publication.packed,
        STREAM_FILE: msgspec.json.encode(publication.stream),
        RECORD_FILE: msgspec.json.encode(publication.record),
    }
    size = sum(map(len, files.values()))
    if size > MAX_SIZE:
        raise SnapshotTooLarge(size)
    metadata: Object = {"name": publication.secret_name, "namespace": key.namespace}
    # The API server refuses the write if the Secret has another version by now.
    if version:
        metadata["resourceVersion"] = str(version)
    metadata["labels"] = {"app.kubernetes.io/managed-by": "airouter-operator"}
    metadata["ownerReferences"] = [owner_reference(key, publication.record.owner)]
    data = {name: base64.b64encode(content).decode() for name, content in files.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": SECRET_TYPE,
        "metadata": metadata,
        "data": data,
    }


def owner_reference(key: ObjectKey, uid: str) -> Object:
    """Return the reference by which a Secret is collected once its RouterConfig is gone."""
    return {"apiVersion": API_VERSION, "kind": KIND, "name": key.name, "uid": uid}
