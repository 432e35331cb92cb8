"""Secrets as an operator reads them: few requests for many keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from airouter_operator.key_secret import KEY_SECRET_TYPE
from airouter_operator.kube.api import PAGE
from airouter_operator.kube.errors import KubeError
from airouter_operator.kube.objects import Object, ObjectKey
from airouter_operator.kube.paths import secret_at
from airouter_operator.reconciling.secret_reader import SecretReader
from airouter_operator.watching.kinds import ROUTER_KEYS
from airouter_operator.watching.mirror import Mirror
from support.router_keys import router_key
from support.secrets_in_memory import SecretsInMemory

CONFIG = ObjectKey("ai", "default")


class ListedSecrets(SecretsInMemory):
    """Secrets that can be listed, too; each request is counted."""

    def __init__(self) -> None:
        super().__init__()
        self.finds: list[str] = []
        self.lists = 0

    async def find(self, key: ObjectKey, path: str, *, fields: str = "") -> Object | None:
        self._ask()
        self.finds.append(key.name)
        return self.secrets.get(secret_at(key))

    async def each(
        self,
        path: str,
        *,
        metadata_only: bool = False,
        fields: str = "",
        labels: str = "",
        page: int = PAGE,
    ) -> AsyncIterator[Object]:
        self._ask()
        self.lists += 1
        for body in list(self.secrets.values()):
            await asyncio.sleep(0)
            if fields == f"type={body['type']}":
                yield body

    async def add(self, name: str, type_: str = KEY_SECRET_TYPE) -> None:
        """Write a Secret."""
        metadata = {"name": name, "namespace": "ai"}
        await self.create("/api/v1/namespaces/ai/secrets", {"type": type_, "metadata": metadata})


def mirrored(*names: str) -> Mirror:
    """A mirror with RouterKeys, as they are after the first list."""
    mirror = Mirror()
    for name in names:
        body = router_key(name)
        body["metadata"] |= {"namespace": "ai", "resourceVersion": "1", "uid": name}
        mirror.put(ROUTER_KEYS, ObjectKey("ai", name), body)
    return mirror


async def test_secrets_of_many_keys_are_read_as_one_list_and_each_change_by_itself() -> None:
    names = [f"key-{number}" for number in range(200)]
    mirror, kube = mirrored(*names), ListedSecrets()
    reader = SecretReader(kube, mirror, ["ai"])
    for name in names:
        await kube.add(name)
    keys = [ObjectKey("ai", name) for name in names]
    await asyncio.gather(reader.refresh(CONFIG), *map(reader.refresh_key, keys))
    assert (kube.lists, kube.finds) == (1, ["default-snapshot"])
    assert all(mirror.secrets.get(key) is not None for key in keys)
    mirror.secrets.notice(keys[7], 1_000_000)
    await reader.refresh(CONFIG)
    assert (kube.lists, kube.finds[1:]) == (1, ["default-snapshot", "key-7"])


async def test_a_secret_of_the_name_that_is_anothers_is_found_beside_the_list() -> None:
    mirror, kube = mirrored("taken", "new"), ListedSecrets()
    reader = SecretReader(kube, mirror, [None])
    await kube.add("taken", "Opaque")
    for name in ("taken", "new"):
        await reader.refresh_key(ObjectKey("ai", name))
    assert kube.finds == ["taken", "new"]
    assert mirror.secrets.get(ObjectKey("ai", "taken")) is not None
    assert mirror.secrets.get(ObjectKey("ai", "new")) is None


async def test_a_list_that_failed_is_asked_for_again() -> None:
    mirror, kube = mirrored("key"), ListedSecrets()
    reader = SecretReader(kube, mirror, ["ai"])
    await kube.add("key")
    kube.is_down = True
    try:
        await reader.refresh_key(ObjectKey("ai", "key"))
    except KubeError:
        kube.is_down = False
    await reader.refresh_key(ObjectKey("ai", "key"))
    assert kube.finds == []
    assert mirror.secrets.get(ObjectKey("ai", "key")) is not None
