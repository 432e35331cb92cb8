"""The snapshot Secret of a RouterConfig: what pods mount, and the memory of what was published.

It belongs to the RouterConfig, so that it is collected with it. A write names the version of the
Secret that it replaces: of two operators, the one that knows less gets a conflict and looks again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from airouter.config.delivery import SNAPSHOT_FILE, STREAM_FILE, Stream, pack
from airouter.config.resource import API_VERSION, KIND
from airouter_operator.kube import (
    Kube,
    Object,
    ObjectKey,
    generation_of,
    secret_at,
    uid_of,
)
from airouter_operator.watching.queue import RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.config.snapshot import Snapshot
    from airouter_operator.watching.mirror import Mirror

logger = logging.getLogger("airouter.operator")

TYPE = "airouter.dev/snapshot"
SUFFIX = "-snapshot"
RECORD_FILE = "publication.json"

MAX_SIZE = 1_000_000
"""Bytes in all. The API server takes 1 MiB (1,048,576), base64 not counted."""


class SnapshotTooLarge(Exception):
    """The snapshot does not fit into a Secret."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the snapshot takes {size} bytes, and a Secret at most {MAX_SIZE}")


class PublicationRecord(msgspec.Struct, frozen=True):
    """What was published, for the operator's own memory; a third file of the Secret."""

    version: str
    serial: int
    """Milliseconds of Unix time, or one more than before where the clock is behind."""
    generation: int
    owner: str
    """uid of the RouterConfig."""
    digest: str
    """SHA-256 (hex) of the snapshot as it travels."""


class Publication(NamedTuple):
    """What a snapshot Secret holds."""

    record: PublicationRecord
    secret_name: str
    stream: Stream
    packed: bytes

    @property
    def size(self) -> int:
        """Bytes of the snapshot as it travels."""
        return len(self.packed)

    @property
    def published_at(self) -> str:
        """When, as Kubernetes writes times."""
        moment = datetime.fromtimestamp(self.record.serial // 1000, UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Publisher:
    """Keeps snapshot Secrets as they should be."""

    def __init__(self, kube: Kube, mirror: Mirror, url: str, clock: Callable[[], float]) -> None:
        """`url` is the root of the stream; `clock` gives Unix seconds."""
        self._kube = kube
        self._mirror = mirror
        self._url = url
        self._clock = clock
        self.bundle = ""
        """Certificates, as PEM, by which pods know the stream."""

    def published(self, key: ObjectKey) -> Publication | None:
        """What the Secret holds, if it is there and ours."""
        body = self._mirror.secrets.get(secret_of(key))
        return None if body is None else read_publication(body)

    def is_intact(self, key: ObjectKey, config: Object, published: Publication) -> bool:
        """Whether it is what we wrote, is its own, and tells pods the right place to poll."""
        unchanged = published.record.digest == packed_digest(published.packed)
        return unchanged and self.is_addressed(key, config, published)

    def is_addressed(self, key: ObjectKey, config: Object, published: Publication) -> bool:
        """Whether it is its own, and tells pods the right place to poll."""
        told = published.stream == self._stream(key, published.stream.token)
        return told and published.record.owner == uid_of(config)

    def why_refused(self, key: ObjectKey, status: int) -> str:
        """Why the API server does not take the Secret, as far as can be told, and what helps."""
        name = secret_of(key).name
        there = self._mirror.secrets.get(secret_of(key))
        if there is not None and there.get("type") != TYPE:
            return (
                f"Secret {name} is there already and is no snapshot: its type is"
                f" {there.get('type')} (right: no Secret of that name)"
            )
        return (
            f"the API server does not take Secret {name}: status {status}"
            f" (right: see the operator's rights, quotas and admission policies)"
        )

    async def publish(
        self, key: ObjectKey, config: Object, snapshot: Snapshot, before: Publication | None
    ) -> Publication:
        """Write what is new and return what is there. Raises `TooLarge`, `Later` or `KubeError`.

        The snapshot's version is salted with the token of the stream, which nobody else knows:
        a version is shown in the status, and must not confirm a guess of a key.
        """
        token = before.stream.token if before else secrets.token_urlsafe(32)
        sealed = snapshot.seal(token)
        same = before is not None and sealed.version == before.record.version
        if before is not None and same and self.is_intact(key, config, before):
            return before
        serial = self._serial(config, before)
        packed = pack(msgspec.structs.replace(sealed, serial=serial))
        record = PublicationRecord(
            sealed.version, serial, generation_of(config), uid_of(config), packed_digest(packed)
        )
        publication = Publication(record, secret_of(key).name, self._stream(key, token), packed)
        await self._put(key, publication)
        logger.info("%s: %s is published, %d bytes", key, record.version[:16], publication.size)
        return publication

    async def readdress(self, key: ObjectKey, config: Object, before: Publication) -> Publication:
        """Have what was published tell pods the right place to poll, if there is room for that.

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
        """Write the Secret. Raises `TooLarge` or `KubeError`."""
        body = await self._kube.apply(secret_at(secret_of(key)), self._manifest(key, publication))
        self._mirror.secrets.put(secret_of(key), body)

    def _serial(self, config: Object, before: Publication | None) -> int:
        """The next serial. Raises `Later` for a RouterConfig that is out of date."""
        serial = int(self._clock() * 1000)
        if before is None:
            return serial
        same_object = before.record.owner == uid_of(config)
        if same_object and before.record.generation > generation_of(config):
            raise RetryLater("a newer generation was published: this one is out of date")
        return max(serial, before.record.serial + 1)

    def _stream(self, key: ObjectKey, token: str) -> Stream:
        return Stream(f"{self._url}{path_of(key)}", self.bundle, token)

    def _manifest(self, key: ObjectKey, publication: Publication) -> Object:
        """The Secret. Raises `TooLarge`."""
        files = {
            SNAPSHOT_FILE: publication.packed,
            STREAM_FILE: msgspec.json.encode(publication.stream),
            RECORD_FILE: msgspec.json.encode(publication.record),
        }
        size = sum(map(len, files.values()))
        if size > MAX_SIZE:
            raise SnapshotTooLarge(size)
        metadata: Object = {"name": secret_of(key).name, "namespace": key.namespace}
        version = self._mirror.secrets.version(secret_of(key))
        if version:
            metadata["resourceVersion"] = str(version)
        metadata["labels"] = {"app.kubernetes.io/managed-by": "airouter-operator"}
        metadata["ownerReferences"] = [owner_reference(key, publication.record.owner)]
        data = {name: base64.b64encode(content).decode() for name, content in files.items()}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": TYPE,
            "metadata": metadata,
            "data": data,
        }


def packed_digest(packed: bytes) -> str:
    """By which an edited snapshot is noticed. It stays in the Secret."""
    return hashlib.sha256(packed).hexdigest()


def secret_of(key: ObjectKey) -> ObjectKey:
    """The snapshot Secret of a RouterConfig."""
    return ObjectKey(key.namespace, key.name + SUFFIX)


def config_of(secret: ObjectKey) -> ObjectKey | None:
    """The RouterConfig whose snapshot a Secret of that name holds, or keeps from being written."""
    if not secret.name.endswith(SUFFIX):
        return None
    return ObjectKey(secret.namespace, secret.name.removesuffix(SUFFIX))


def path_of(key: ObjectKey) -> str:
    """Where a RouterConfig is streamed, below the root of a stream."""
    return f"/v1/snapshots/{key.namespace}/{key.name}"


def root_of(key: ObjectKey, publication: Publication) -> str:
    """The root of the stream that a publication names."""
    return publication.stream.url.removesuffix(path_of(key))


def owner_reference(key: ObjectKey, uid: str) -> Object:
    """By which the Secret is collected once its RouterConfig is gone."""
    return {"apiVersion": API_VERSION, "kind": KIND, "name": key.name, "uid": uid}


def read_publication(body: Object) -> Publication | None:
    """What a snapshot Secret holds; None where it is not as we would have written it."""
    data = body.get("data") or {}
    try:
        files = {
            name: base64.b64decode(data[name], validate=True)
            for name in (SNAPSHOT_FILE, STREAM_FILE, RECORD_FILE)
        }
        return Publication(
            record=msgspec.json.decode(files[RECORD_FILE], type=PublicationRecord),
            secret_name=body["metadata"]["name"],
            stream=msgspec.json.decode(files[STREAM_FILE], type=Stream),
            packed=files[SNAPSHOT_FILE],
        )
    except (KeyError, binascii.Error, msgspec.DecodeError):
        return None
