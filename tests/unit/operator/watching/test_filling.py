"""The mirror as an operator begins."""

from __future__ import annotations

from collections.abc import AsyncIterator

from airouter_operator.kube.api import PAGE
from airouter_operator.kube.errors import KubeError
from airouter_operator.kube.objects import Object, ObjectKey
from airouter_operator.kube.paths import router_keys_in
from airouter_operator.watching.filling import fill
from airouter_operator.watching.mirror import Mirror
from support.router_keys import router_key
from support.secrets_in_memory import SecretsInMemory


class FlakyLists(SecretsInMemory):
    """An API server with two RouterKeys, whose second one it tells only when asked again."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = True

    async def each(
        self,
        path: str,
        *,
        metadata_only: bool = False,
        fields: str = "",
        labels: str = "",
        page: int = PAGE,
    ) -> AsyncIterator[Object]:
        if path != router_keys_in("ai"):
            return
        for name in ("one", "two"):
            body = router_key(name)
            body["metadata"] |= {"namespace": "ai", "resourceVersion": "1", "uid": name}
            yield body
            if self.fails:
                raise KubeError("the API server is down")


async def test_a_mirror_is_filled_however_often_that_fails() -> None:
    mirror, kube, pauses = Mirror(), FlakyLists(), []

    async def recover(seconds: float) -> None:
        pauses.append(seconds)
        kube.fails = len(pauses) < 3

    await fill(mirror, kube, ["ai"], recover)
    assert len(pauses) == 3
    assert set(mirror.keys) == {ObjectKey("ai", "one"), ObjectKey("ai", "two")}


class OldObjects(SecretsInMemory):
    """An API server with objects of a CustomResourceDefinition that had other fields."""

    async def each(
        self,
        path: str,
        *,
        metadata_only: bool = False,
        fields: str = "",
        labels: str = "",
        page: int = PAGE,
    ) -> AsyncIterator[Object]:
        specs: list[Object] = [{"router": "default"}, {"router": {"name": "default"}}]
        for number, spec in enumerate(specs if path == router_keys_in("ai") else ()):
            metadata = {"namespace": "ai", "name": f"key-{number}", "resourceVersion": "1"}
            yield {"metadata": metadata, "spec": spec}


async def test_an_object_that_cannot_be_read_holds_up_no_other() -> None:
    mirror = Mirror()
    await fill(mirror, OldObjects(), ["ai"])
    assert mirror.key_index.of_router(ObjectKey("ai", "default")) == (ObjectKey("ai", "key-1"),)
