"""The Secret of a RouterConfig's ledger: what outlives the operator that keeps it.

Two things are in it. What may have been spent of budgets, which is written down before it is
granted: so whoever leads next counts too much, if anything. And all that the ledger knew when its
operator ended in order, from when that has granted for the last time until the next leader takes
it out: so it is never read twice.

Each write names the version that it follows, and who begins makes a new one. So one that was sent
by a leader before comes to nothing; and where there is no Secret there was no leader before.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import gzip
import logging
import secrets
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from airouter.bookkeeping.book import BookMemory
from airouter.bookkeeping.budget_account import Spent
from airouter.config.delivery import LEDGER_SUFFIX, Undeliverable, unzip
from airouter.config.resource import API_VERSION, KIND
from airouter.untrusted import decoded
from airouter_operator.kube.errors import Conflict, NotFound
from airouter_operator.kube.objects import ObjectKey
from airouter_operator.kube.paths import secret_at, secrets_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter_operator.kube.api import KubeApi
    from airouter_operator.kube.objects import Object

T = TypeVar("T")

logger = logging.getLogger("airouter.operator")

LEDGER_SECRET_TYPE = "airouter.dev/ledger"  # noqa: S105 - a type of Secrets, not one of them
MEMORY_FILE = "memory.json.gz"
SPENT_FILE = "spent.json.gz"
BEGUN_ANNOTATION = "airouter.dev/begun"
LARGEST = 350_000
"""Bytes of each file: the API server takes a Secret of 1 MiB, in base64."""
ROOM_FOR_NEW = 300_000
"""Bytes up to which there is room for budgets that were not spent of yet: some 9,000 of them."""
MEMORIES = msgspec.json.Decoder(BookMemory)
SPENT = msgspec.json.Decoder(dict[str, Spent])


class TooMuch(Exception):
    """A file does not fit into a Secret."""


class Left(NamedTuple):
    """All that the leader before has left."""

    spent: dict[str, Spent]
    """By the keys of budgets."""
    memory: BookMemory | None
    is_first: bool = False
    """Whether there was none before."""


class LedgerStore:
    """The Secret of one ledger."""

    def __init__(self, kube: KubeApi, config: ObjectKey, owner: str) -> None:
        """`owner` is the uid of the RouterConfig."""
        self._kube = kube
        self.config = config
        self._owner = owner
        self._key = ObjectKey(config.namespace, config.name + LEDGER_SUFFIX)
        self._version = ""
        """The resourceVersion that the next write follows; empty where there is no Secret."""

    async def take(self) -> Left:
        """Take what the leader before has left, which then writes no more. Raises `KubeError`.

        Raises `Undeliverable` where what was spent cannot be read.
        """
        data = await self._find()
        is_first = not self._version
        await self._put({MEMORY_FILE: None}, begun=secrets.token_hex(8))
        spent = file_in(data, SPENT_FILE, SPENT) or {}
        try:
            memory = file_in(data, MEMORY_FILE, MEMORIES)
        except Undeliverable as error:  # of another version, say: what was spent is known without
            logger.warning("%s: the ledger of limits begins anew: %s", self.config, error)
            memory = None
        return Left(spent, memory, is_first)

    async def write(self, spent: Mapping[str, Spent], most: int = LARGEST) -> None:
        """Write down what may be spent; where somebody else has written, not less than that.

        Raises `KubeError`, `TooMuch` for more than `most` bytes, or `Undeliverable` for what
        somebody else has written.
        """
        try:
            await self._put({SPENT_FILE: await packed_beside(spent, most)})
        except (Conflict, NotFound):
            greatest = file_in(await self._find(), SPENT_FILE, SPENT) or {}
            for key, each in spent.items():
                if key not in greatest or greatest[key].amount < each.amount:
                    greatest[key] = each
            await self._put({SPENT_FILE: await packed_beside(greatest)})

    async def leave(self, memory: BookMemory) -> None:
        """Leave all that a ledger knows. Raises `KubeError`, or `TooMuch`."""
        files = {MEMORY_FILE: await packed_beside(memory)}
        try:
            await self._put(files)
        except (Conflict, NotFound):  # of somebody who edits it, as nobody else leads
            await self._find()
            await self._put(files)

    async def _find(self) -> Mapping[str, str]:
        """Return the data of the Secret, and take note of its version."""
        fields = f"type={LEDGER_SECRET_TYPE}"
        body = await self._kube.find(self._key, secrets_in(self._key.namespace), fields=fields)
        self._version = "" if body is None else body["metadata"]["resourceVersion"]
        data: Mapping[str, str] = {} if body is None else body.get("data") or {}
        return data

    async def _put(self, files: Mapping[str, str | None], begun: str = "") -> None:
        """Write files, if the Secret is still of the version that is known."""
        if self._version:
            metadata: Object = {"resourceVersion": self._version}
            if begun:
                metadata["annotations"] = {BEGUN_ANNOTATION: begun}
            patch: Object = {"metadata": metadata, "data": files}
            body = await self._kube.merge(secret_at(self._key), patch)
        else:
            body = await self._kube.create(secrets_in(self._key.namespace), self._manifest(files))
        self._version = body["metadata"]["resourceVersion"]

    def _manifest(self, files: Mapping[str, str | None]) -> Object:
        reference = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "name": self.config.name,
            "uid": self._owner,
        }
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": LEDGER_SECRET_TYPE,
            "metadata": {
                "name": self._key.name,
                "namespace": self._key.namespace,
                "labels": {"app.kubernetes.io/managed-by": "airouter-operator"},
                "ownerReferences": [reference],
            },
            "data": {name: content for name, content in files.items() if content is not None},
        }


async def packed_beside(content: object, most: int = LARGEST) -> str:
    """Return what `packed_file` does, without holding up polls: ten thousand budgets take long."""
    return await asyncio.to_thread(packed_file, content, most)


def packed_file(content: object, most: int = LARGEST) -> str:
    """Return a file as a Secret has it, of at most so many bytes. Raises `TooMuch`."""
    zipped = gzip.compress(msgspec.json.encode(content), compresslevel=6)
    if len(zipped) > most:
        raise TooMuch(f"{len(zipped)} bytes, of which its Secret has room for {most}")
    return base64.b64encode(zipped).decode()


def file_in(data: Mapping[str, str], name: str, decoder: msgspec.json.Decoder[T]) -> T | None:
    """Return a file of a Secret; None where it is not there. Raises `Undeliverable`."""
    if name not in data:
        return None
    try:
        packed = base64.b64decode(data[name], validate=True)
    except binascii.Error:
        raise Undeliverable(f"{name} is not base64") from None
    return decoded(decoder, unzip(packed), Undeliverable, f"{name} is not what an operator writes")
