"""A published snapshot: its Secret, its record, and where pods poll for it.

The contract between the rooms: `reconciling/` writes the Secret, `delivering/` streams it to pods,
and `watching/` recognises it by its name.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from airouter.config.delivery import SECRET_SUFFIX, SNAPSHOT_FILE, STREAM_FILE, Stream
from airouter.untrusted import UNREADABLE
from airouter_operator.kube.objects import ObjectKey, kubernetes_time

if TYPE_CHECKING:
    from airouter_operator.kube.objects import Object

SECRET_TYPE = "airouter.dev/snapshot"  # noqa: S105 - a type of Secrets, not one of them
RECORD_FILE = "publication.json"
STREAM_PATH = "/v1/snapshots/{namespace}/{name}"
"""Path of a RouterConfig's stream, below the root of the operator's stream."""


class PublicationRecord(msgspec.Struct, frozen=True):
    """The operator's own memory of a publication; a third file of the Secret."""

    version: str
    serial: int
    """Milliseconds of Unix time, or one more than before where the clock is behind."""
    generation: int
    owner: str
    """uid of the RouterConfig."""
    digest: str
    """SHA-256 (hex) of the packed snapshot."""


class PublishedChanges(NamedTuple):
    """Changes from a version, as they travel to pods."""

    base: str
    content: bytes


class Publication(NamedTuple):
    """The content of a snapshot Secret."""

    record: PublicationRecord
    secret_name: str
    stream: Stream
    packed: bytes
    """The snapshot as it travels to pods."""
    changes: PublishedChanges | None = None
    """In place of it, what has changed of the one before; not in the Secret."""

    @property
    def size(self) -> int:
        """Bytes of the packed snapshot."""
        return len(self.packed)

    @property
    def published_at(self) -> str:
        """The time of publication, as Kubernetes writes times."""
        return kubernetes_time(self.record.serial // 1000)


def packed_digest(packed: bytes) -> str:
    """Return the digest by which an edited snapshot is noticed. It stays in the Secret."""
    return hashlib.sha256(packed).hexdigest()


def short_version(version: str) -> str:
    """Return a version for people: enough of it to tell it from others."""
    return version[:16]


def secret_of_config(config: ObjectKey) -> ObjectKey:
    """Return the key of the snapshot Secret of a RouterConfig."""
    return ObjectKey(config.namespace, config.name + SECRET_SUFFIX)


def config_of_secret(secret: ObjectKey) -> ObjectKey | None:
    """Return the RouterConfig whose snapshot Secret has such a name; None for another name.

    A Secret of somebody else may have that name, and then keeps the snapshot from being written.
    """
    if not secret.name.endswith(SECRET_SUFFIX):
        return None
    return ObjectKey(secret.namespace, secret.name.removesuffix(SECRET_SUFFIX))


def stream_path(config: ObjectKey) -> str:
    """Return the path of a RouterConfig's stream, below the root of an operator's stream."""
    return STREAM_PATH.format(namespace=config.namespace, name=config.name)


def stream_root(config: ObjectKey, publication: Publication) -> str:
    """Return the root of the operator's stream that a publication sends pods to."""
    return publication.stream.url.removesuffix(stream_path(config))


def read_publication(secret: Object) -> Publication | None:
    """Return the content of a snapshot Secret; None where it is not as the operator writes it."""
    data = secret.get("data") or {}
    try:
        files = {
            name: base64.b64decode(data[name], validate=True)
            for name in (SNAPSHOT_FILE, STREAM_FILE, RECORD_FILE)
        }
        return Publication(
            record=msgspec.json.decode(files[RECORD_FILE], type=PublicationRecord),
            secret_name=secret["metadata"]["name"],
            stream=msgspec.json.decode(files[STREAM_FILE], type=Stream),
            packed=files[SNAPSHOT_FILE],
        )
    except (KeyError, binascii.Error, *UNREADABLE):
        return None
