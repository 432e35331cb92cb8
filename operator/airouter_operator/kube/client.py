"""The client of the API server: `KubeApi` over HTTP, thin, over the official client.

A connection can be dead without either end knowing, so a request that times out gives up the whole
connection pool: the requests after it use a new one.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING

import aiohttp
import msgspec
from kubernetes.aio.client import ApiClient, ApiException, Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from airouter.untrusted import UNREADABLE
from airouter_operator.kube.api import FIELD_MANAGER, LISTED_METADATA, PAGE
from airouter_operator.kube.errors import KubeError, TimedOut, error_for_status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from airouter_operator.kube.objects import Object, ObjectKey

TIMEOUT = 10.0
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


class KubeClient:
    """The API server over HTTP, as one identity."""

    def __init__(
        self, client: ApiClient, timeout: float = TIMEOUT, kubeconfig: Path | None = None
    ) -> None:
        """Use a client of the official library; `timeout` is seconds of each request as a whole.

        `kubeconfig` is the file that the client was configured by, if it was one.
        """
        self._client = client
        self._kubeconfig = kubeconfig
        self._timeout = timeout
        self._under_way: Counter[ApiClient] = Counter()
        """Requests of each client."""

    async def close(self) -> None:
        await self._client.close()

    def with_timeout(self, seconds: float) -> KubeClient:
        """Return a client of the same API server with another timeout and its own connections."""
        return KubeClient(ApiClient(self._client.configuration), seconds)

    async def configuration(self, *, reread: bool) -> Configuration:
        """Return address and credentials; `reread` takes them from the kubeconfig again.

        Raises `ConfigException` for a kubeconfig or a token that cannot be read.
        """
        configuration: Configuration = self._client.configuration
        if reread and self._kubeconfig is not None:
            await load_kube_config(str(self._kubeconfig), client_configuration=configuration)
        if configuration.refresh_api_key_hook is not None:
            configuration.refresh_api_key_hook(configuration)
        return configuration

    async def get(self, path: str, *, accept: str = "application/json") -> Object:
        return await self._ask("GET", path, accept=accept)

    async def find(self, key: ObjectKey, path: str, *, fields: str = "") -> Object | None:
        selector = ",".join(filter(None, (f"metadata.name={key.name}", fields)))
        async for body in self.each(path, fields=selector):
            return body
        return None

    async def each(
        self,
        path: str,
        *,
        metadata_only: bool = False,
        fields: str = "",
        labels: str = "",
        page: int = PAGE,
    ) -> AsyncIterator[Object]:
        query = {"limit": str(page), "fieldSelector": fields, "labelSelector": labels}
        query = {name: value for name, value in query.items() if value}
        # Metadata alone spares the API server and the network the values of all Secrets.
        accept = LISTED_METADATA if metadata_only else "application/json"
        while True:
            listed = await self._ask("GET", path, query=query, accept=accept)
            if "items" not in listed:
                raise KubeError(f"GET {path}: the answer is no list")
            following = listed.get("metadata", {}).get("continue")
            for body in listed.pop("items") or ():
                yield body
            if not following:
                return
            query["continue"] = following

    async def create(self, path: str, body: Object) -> Object:
        return await self._ask("POST", path, body, query={"fieldManager": FIELD_MANAGER})

    async def replace(self, path: str, body: Object) -> Object:
        return await self._ask("PUT", path, body, query={"fieldManager": FIELD_MANAGER})

    async def merge(self, path: str, patch: Object) -> Object:
        query = {"fieldManager": FIELD_MANAGER}
        return await self._ask("PATCH", path, patch, query=query, content_type=MERGE)

    async def apply(self, path: str, body: Object) -> Object:
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return await self._ask("PATCH", path, body, query=query, content_type=APPLY)

    async def _ask(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        query: Mapping[str, str] | None = None,
        accept: str = "application/json",
        content_type: str = "application/json",
    ) -> Object:
        try:
            async with self._borrowed() as client:
                request = await client.param_serialize(
                    method=method,
                    resource_path=path,
                    query_params=list((query or {}).items()),
                    header_params={"Accept": accept, "Content-Type": content_type},
                    body=body,
                    auth_settings=["BearerToken"],
                )
                response = await client.call_api(*request, _request_timeout=self._timeout)
                content = await response.read()
        except TimeoutError:
            raise TimedOut(f"{method} {path}: timed out") from None
        except (aiohttp.ClientError, OSError, ConfigException) as error:
            raise KubeError(f"{method} {path}: {type(error).__name__}") from None
        except ApiException as error:
            raise error_for_status(method, path, error.status) from None
        if response.status >= 400:
            raise error_for_status(method, path, response.status)
        return parse_object(content, f"{method} {path}")

    @contextlib.asynccontextmanager
    async def _borrowed(self) -> AsyncIterator[ApiClient]:
        """Lend the client to one request; replace it when that request times out."""
        client = self._client
        self._under_way[client] += 1
        try:
            yield client
        except TimeoutError:
            if client is self._client:
                self._client = ApiClient(client.configuration)
            raise
        finally:
            self._under_way[client] -= 1
            # aiohttp breaks requests that are under way when their session is closed, so the
            # replaced client is closed by the last of its requests.
            if client is not self._client and not self._under_way[client]:
                del self._under_way[client]
                await client.close()


def parse_object(content: bytes, asked: str) -> Object:
    """Return an answer as an object. Raises `KubeError` for what a balancer may say instead."""
    try:
        answer = msgspec.json.decode(content)
    except UNREADABLE:
        answer = None
    if not isinstance(answer, dict):
        raise KubeError(f"{asked}: the answer is no object")
    return answer


async def open_kube_client(kubeconfig: Path | None) -> KubeClient:
    """Open a client by a kubeconfig, or by the pod's ServiceAccount."""
    configuration = Configuration()
    if kubeconfig is None:
        load_incluster_config(client_configuration=configuration)
    else:
        await load_kube_config(str(kubeconfig), client_configuration=configuration)
    return KubeClient(ApiClient(configuration), kubeconfig=kubeconfig)
