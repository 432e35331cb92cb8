"""Secrets as an API server keeps them, for rooms that write no other kind of object."""

from __future__ import annotations

from collections.abc import AsyncIterator

from airouter_operator.kube.api import PAGE, KubeApi
from airouter_operator.kube.errors import Conflict, KubeError, NotFound
from airouter_operator.kube.objects import Object, ObjectKey
from airouter_operator.kube.paths import secret_at


class SecretsInMemory(KubeApi):
    """Finds, creates and merges; `is_down` refuses everything."""

    def __init__(self) -> None:
        self.secrets: dict[str, Object] = {}
        self.is_down = False
        self.writes = 0
        """Changes of what was there."""
        self._version = 0

    async def find(self, key: ObjectKey, path: str, *, fields: str = "") -> Object | None:
        self._ask()
        found = self.secrets.get(secret_at(key))
        return found if found is not None and fields == f"type={found['type']}" else None

    async def create(self, path: str, body: Object) -> Object:
        self._ask()
        path = f"{path}/{body['metadata']['name']}"
        if path in self.secrets:
            raise Conflict(f"POST {path}: status 409", 409)
        return self._put(path, body)

    async def merge(self, path: str, patch: Object) -> Object:
        self._ask()
        if path not in self.secrets:
            raise NotFound(f"PATCH {path}: status 404", 404)
        before = self.secrets[path]
        if patch["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]:
            raise Conflict(f"PATCH {path}: status 409", 409)
        self.writes += 1
        data = {**before["data"], **patch["data"]}
        kept = {name: value for name, value in data.items() if value is not None}
        return self._put(path, {**before, "data": kept})

    async def get(self, path: str, *, accept: str = "application/json") -> Object:
        raise NotImplementedError

    async def each(
        self,
        path: str,
        *,
        metadata_only: bool = False,
        fields: str = "",
        labels: str = "",
        page: int = PAGE,
    ) -> AsyncIterator[Object]:
        raise NotImplementedError
        yield {}

    async def apply(self, path: str, body: Object) -> Object:
        raise NotImplementedError

    async def replace(self, path: str, body: Object) -> Object:
        raise NotImplementedError

    def _ask(self) -> None:
        if self.is_down:
            raise KubeError("the API server is down")

    def _put(self, path: str, body: Object) -> Object:
        self._version += 1
        metadata = {**body["metadata"], "resourceVersion": str(self._version)}
        self.secrets[path] = {**body, "metadata": metadata}
        return self.secrets[path]
