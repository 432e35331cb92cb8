"""The handover of a ledger: what it knows when its operator ends in order, for the next leader.

It is in a Secret of the RouterConfig, from when the leader before has granted for the last time
until the next one takes it out. So it is never read twice, and an operator that dies without a word
leaves nothing: the pods tell the next leader that there was one.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import logging
from typing import TYPE_CHECKING

import msgspec

from airouter.bookkeeping.book import BookMemory
from airouter.config.delivery import Undeliverable, unzip
from airouter.config.resource import API_VERSION, KIND
from airouter.untrusted import decoded
from airouter_operator.kube.errors import KubeError
from airouter_operator.kube.objects import ObjectKey
from airouter_operator.kube.paths import secret_at, secrets_in

if TYPE_CHECKING:
    from airouter_operator.kube.api import KubeApi
    from airouter_operator.kube.objects import Object

logger = logging.getLogger("airouter.operator")

LEDGER_SECRET_TYPE = "airouter.dev/ledger"  # noqa: S105 - a type of Secrets, not one of them
LEDGER_SUFFIX = "-ledger"
MEMORY_FILE = "memory.json.gz"
LARGEST = 700_000
"""Bytes of a memory: the API server takes a Secret of 1 MiB, in base64."""
MEMORIES = msgspec.json.Decoder(BookMemory)


class LedgerHandover:
    """Leaves memories of ledgers, and takes those that were left."""

    def __init__(self, kube: KubeApi) -> None:
        self._kube = kube

    async def take(self, config: ObjectKey) -> BookMemory | None:
        """Take out what the leader before has left; None where that is nothing, or not to be had.

        Never raises: a ledger without memory grants less for a minute, and not too much.
        """
        secret = ledger_secret_of(config)
        try:
            fields = f"type={LEDGER_SECRET_TYPE}"
            body = await self._kube.find(secret, secrets_in(secret.namespace), fields=fields)
            if body is None or MEMORY_FILE not in (body.get("data") or {}):
                return None
            # Whoever has read the same version and comes second gets a conflict.
            version = {"resourceVersion": body["metadata"]["resourceVersion"]}
            taken: Object = {"metadata": version, "data": {MEMORY_FILE: None}}
            await self._kube.merge(secret_at(secret), taken)
            return read_memory(body)
        except (KubeError, Undeliverable) as error:
            logger.warning("%s: the ledger of limits begins without memory: %s", config, error)
            return None

    async def leave(self, config: ObjectKey, owner: str, memory: BookMemory) -> None:
        """Leave what a ledger knows, of a RouterConfig with that uid. Never raises."""
        packed = gzip.compress(msgspec.json.encode(memory), compresslevel=6)
        if len(packed) > LARGEST:
            logger.warning("%s: the ledger of limits knows too much to hand it over", config)
            return
        secret = ledger_secret_of(config)
        try:
            await self._kube.apply(secret_at(secret), ledger_manifest(config, owner, packed))
        except KubeError as error:
            logger.warning("%s: the ledger of limits is not handed over: %s", config, error)


def ledger_secret_of(config: ObjectKey) -> ObjectKey:
    """Return the key of the Secret of a RouterConfig's ledger."""
    return ObjectKey(config.namespace, config.name + LEDGER_SUFFIX)


def ledger_manifest(config: ObjectKey, owner: str, packed: bytes) -> Object:
    """Return the Secret that has a memory in it."""
    reference = {"apiVersion": API_VERSION, "kind": KIND, "name": config.name, "uid": owner}
    secret = ledger_secret_of(config)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": LEDGER_SECRET_TYPE,
        "metadata": {
            "name": secret.name,
            "namespace": secret.namespace,
            "labels": {"app.kubernetes.io/managed-by": "airouter-operator"},
            "ownerReferences": [reference],
        },
        "data": {MEMORY_FILE: base64.b64encode(packed).decode()},
    }


def read_memory(secret: Object) -> BookMemory:
    """Return the memory in a Secret. Raises `Undeliverable`."""
    try:
        packed = base64.b64decode(secret["data"][MEMORY_FILE], validate=True)
    except binascii.Error:
        raise Undeliverable("is not base64") from None
    return decoded(MEMORIES, unzip(packed), Undeliverable, "is not the JSON of a BookMemory")
