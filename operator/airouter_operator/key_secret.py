"""The Secret of a RouterKey: the key, what is remembered of it, and where clients reach the router.

The contract between the rooms: `issuing/` writes the Secret, `reconciling/` puts the SHA-256 of its
key into the snapshot, and `watching/` finds it by the RouterKey. One Secret has all of it, so that
an operator that dies between two steps has either made the next key or not.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from airouter.config.resource import API_VERSION
from airouter.config.resource.routerkey import ROUTER_KEY_KIND
from airouter.untrusted import UNREADABLE
from airouter_operator.kube.objects import ObjectKey, annotation_in, uid_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter_operator.kube.objects import Object

KEY_SECRET_TYPE = "airouter.dev/key"  # noqa: S105 - a type of Secrets, not one of them
RECORD_ANNOTATION = "airouter.dev/key"
ROTATE_ANNOTATION = "airouter.dev/rotate"
"""Of a RouterKey: asks for a new key, `now` or with an `overlap`."""

PREFIX = "sk-air-"
RANDOM_BYTES = 24
SHOWN_CHARACTERS = len(PREFIX) + 4
KEY = re.compile(rf"{PREFIX}[0-9a-f]{{{2 * RANDOM_BYTES}}}")

KEY_FIELDS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")
"""Each holds the key, under the name by which an SDK looks for it."""


class KeyRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """The operator's own memory of a key; an annotation of the Secret. Times are Unix seconds."""

    issued_at: int
    former_sha256: str = ""
    """SHA-256 (hex) of the key before."""
    former_until: int = 0
    """The end of the key before."""
    request: str = ""
    """The value of the RouterKey's annotation that has been acted on, as long as it is there."""

    def __repr__(self) -> str:
        return f"KeyRecord(issued_at={self.issued_at})"


class KeySecret(NamedTuple):
    """The content of a RouterKey's Secret."""

    key: str
    record: KeyRecord
    base_url: str
    """Root by which clients reach the router."""

    @property
    def key_sha256(self) -> str:
        """The SHA-256 (hex) by which routers know the key."""
        return hashlib.sha256(self.key.encode()).hexdigest()

    @property
    def shown(self) -> str:
        """The beginning of the key, for people."""
        return self.key[:SHOWN_CHARACTERS]

    def __repr__(self) -> str:
        return f"KeySecret({self.record!r})"


def new_key() -> str:
    """Return a key of the system's randomness: 192 bits, 16 of which are shown."""
    return PREFIX + secrets.token_hex(RANDOM_BYTES)


def secret_of_key(key: ObjectKey, spec: Mapping[str, Any]) -> ObjectKey:
    """Return the Secret of a RouterKey."""
    return ObjectKey(key.namespace, str(spec.get("secretName") or key.name))


def router_of_key(key: ObjectKey, spec: Mapping[str, Any]) -> ObjectKey:
    """Return the RouterConfig that a RouterKey is for."""
    router = spec.get("router") or {}
    return ObjectKey(str(router.get("namespace") or key.namespace), str(router.get("name", "")))


def is_owned(secret: Object, uid: str) -> bool:
    """Return whether the operator made a Secret for the RouterKey of a uid."""
    owners = secret["metadata"].get("ownerReferences") or ()
    return secret.get("type") == KEY_SECRET_TYPE and uid in [each.get("uid") for each in owners]


def read_key_secret(secret: Object) -> KeySecret | None:
    """Return the content of a Secret; None where it is not as the operator writes it."""
    data = secret.get("data") or {}
    try:
        key = base64.b64decode(data[KEY_FIELDS[0]], validate=True).decode("ascii")
        url = base64.b64decode(data["ANTHROPIC_BASE_URL"], validate=True).decode("ascii")
        record = msgspec.json.decode(annotation_in(secret, RECORD_ANNOTATION), type=KeyRecord)
    except (KeyError, binascii.Error, *UNREADABLE):
        return None
    return KeySecret(key, record, url) if KEY.fullmatch(key) else None


def key_secret_manifest(
    secret: ObjectKey, owner: Object, content: KeySecret, version: int
) -> Object:
    """Return the Secret of a RouterKey; one that replaces a version fails for any other."""
    metadata: Object = {"name": secret.name, "namespace": secret.namespace}
    if version:
        metadata["resourceVersion"] = str(version)
    metadata["labels"] = {"app.kubernetes.io/managed-by": "airouter-operator"}
    metadata["annotations"] = {RECORD_ANNOTATION: msgspec.json.encode(content.record).decode()}
    metadata["ownerReferences"] = [key_owner_reference(owner)]
    values = dict.fromkeys(KEY_FIELDS, content.key)
    values["OPENAI_BASE_URL"] = f"{content.base_url}/v1"
    values["ANTHROPIC_BASE_URL"] = content.base_url
    data = {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": KEY_SECRET_TYPE,
        "metadata": metadata,
        "data": data,
    }


def key_owner_reference(owner: Object) -> Object:
    """Return the reference by which a Secret is collected once its RouterKey is gone."""
    name = owner["metadata"]["name"]
    return {"apiVersion": API_VERSION, "kind": ROUTER_KEY_KIND, "name": name, "uid": uid_of(owner)}
