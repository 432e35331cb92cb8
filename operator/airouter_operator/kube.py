"""The API server, as far as the operator needs it: thin, over the official client.

Objects are plain JSON here, because server-side apply is about just the fields that one names. No
error repeats what the API server said of a request's content: it may quote a Secret.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import aiohttp
import kopf
from kubernetes.aio.client import ApiClient, ApiException, Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from airouter.config.resource import API_VERSION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

Object = dict[str, Any]
"""A Kubernetes object as JSON."""

MANAGER = "airouter-operator"
TIMEOUT = 10.0
PAGE = 500
APPLY = "application/apply-patch+yaml"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"

GROUP, VERSION = API_VERSION.split("/")
CONFIGS = f"/apis/{API_VERSION}"
CORE = "/api/v1"
DISCOVERY = "/apis"
LEASES = "/apis/coordination.k8s.io/v1"
EVENTS = "/apis/events.k8s.io/v1"


class ObjectKey(NamedTuple):
    """An object by its namespace and name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class KubeError(Exception):
    """A request failed; `status` is 0 when the API server was not reached."""

    def __init__(self, what: str, status: int = 0) -> None:
        super().__init__(what)
        self.status = status


class TimedOut(KubeError):
    """No answer came in time. What was asked may have been done."""


class NotFound(KubeError):
    """There is no such object, or no such resource."""


class Conflict(KubeError):
    """The object is not what it was taken for."""


class Kube(Protocol):
    """What the operator asks of the API server. Every method raises `KubeError`."""

    async def get(self, path: str) -> Object: ...
    async def find(self, key: ObjectKey, path: str) -> Object | None: ...
    async def list(
        self, path: str, *, metadata_only: bool = False, fields: str = ""
    ) -> list[Object]: ...
    async def create(self, path: str, body: Object) -> Object: ...
    async def replace(self, path: str, body: Object) -> Object: ...
    async def apply(self, path: str, body: Object) -> Object: ...


class ApiServer:
    """`Kube` over HTTP."""

    def __init__(
        self, client: ApiClient, timeout: float = TIMEOUT, kubeconfig: Path | None = None
    ) -> None:
        """`timeout` is seconds, for each request as a whole.

        A `kubeconfig` is read again at each further login: its token may have been replaced.
        """
        self._client = client
        self._kubeconfig = kubeconfig
        self._timeout = timeout
        self._under_way: Counter[ApiClient] = Counter()
        """Requests of each client."""

    async def close(self) -> None:
        await self._client.close()

    def with_timeout(self, seconds: float) -> ApiServer:
        """The same, over connections of its own, for requests that take so many seconds at most."""
        return ApiServer(ApiClient(self._client.configuration), seconds)

    async def connection(self, login: int) -> kopf.ConnectionInfo:
        """The same API server with the same identity, for kopf, which counts its logins from 1.

        Raises `ConfigException` for a kubeconfig or a token that cannot be read.
        """
        configuration = self._client.configuration
        if self._kubeconfig is not None and login > 1:
            await load_kube_config(str(self._kubeconfig), client_configuration=configuration)
        if configuration.refresh_api_key_hook is not None:
            configuration.refresh_api_key_hook(configuration)
        _, _, token = configuration.api_key.get("BearerToken", "").partition(" ")
        return kopf.ConnectionInfo(
            server=configuration.host,
            ca_path=configuration.ssl_ca_cert,
            ca_data=configuration.ca_cert_data,
            insecure=not configuration.verify_ssl,
            scheme="Bearer" if token else None,
            token=token or None,
            certificate_path=configuration.cert_file,
            private_key_path=configuration.key_file,
            priority=login,  # kopf takes nothing that equals what was refused
        )

    async def get(self, path: str) -> Object:
        return await self._ask("GET", path)

    async def find(self, key: ObjectKey, path: str) -> Object | None:
        """One object of a list: it takes no right to `get`."""
        found = await self.list(path, fields=f"metadata.name={key.name}")
        return found[0] if found else None

    async def list(
        self, path: str, *, metadata_only: bool = False, fields: str = ""
    ) -> list[Object]:
        """All objects, page by page; `fields` is a field selector."""
        items: list[Object] = []
        query = {"limit": str(PAGE)} | ({"fieldSelector": fields} if fields else {})
        accept = METADATA_ONLY if metadata_only else "application/json"
        while True:
            page = await self._ask("GET", path, query=query, accept=accept)
            if "items" not in page:
                raise KubeError(f"GET {path}: the answer is no list")
            items += page["items"] or []
            following = page.get("metadata", {}).get("continue")
            if not following:
                return items
            query["continue"] = following

    async def create(self, path: str, body: Object) -> Object:
        return await self._ask("POST", path, body, query={"fieldManager": MANAGER})

    async def replace(self, path: str, body: Object) -> Object:
        return await self._ask("PUT", path, body, query={"fieldManager": MANAGER})

    async def apply(self, path: str, body: Object) -> Object:
        """Server-side apply: own the fields that are named, whoever had them before."""
        query = {"fieldManager": MANAGER, "force": "true"}
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
        """The client of one request; those after one that timed out have another.

        A connection was dead without saying so, and others may be, too. The client that is left
        is closed by the last of its requests, for aiohttp breaks those that are under way.
        """
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
            if client is not self._client and not self._under_way[client]:
                del self._under_way[client]
                await client.close()


def parse_object(content: bytes, asked: str) -> Object:
    """An answer, as an object. Raises `KubeError` for what a balancer may say instead."""
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise KubeError(f"{asked}: the answer is no object")
    return answer


def error_for_status(method: str, path: str, status: int) -> KubeError:
    """The error of a status."""
    kinds: dict[int, type[KubeError]] = {404: NotFound, 409: Conflict}
    return kinds.get(status, KubeError)(f"{method} {path}: status {status}", status)


async def open_api_server(kubeconfig: Path | None) -> ApiServer:
    """A client for a kubeconfig, or for the pod's ServiceAccount."""
    configuration = Configuration()
    if kubeconfig is None:
        load_incluster_config(client_configuration=configuration)
    else:
        await load_kube_config(str(kubeconfig), client_configuration=configuration)
    return ApiServer(ApiClient(configuration), kubeconfig=kubeconfig)


# Where things are.


def configs_in(namespace: str | None) -> str:
    """The RouterConfigs of a namespace, or of the cluster."""
    return f"{CONFIGS}{scope(namespace)}/routerconfigs"


def status_at(key: ObjectKey) -> str:
    """The status of a RouterConfig."""
    return f"{configs_in(key.namespace)}/{key.name}/status"


def secrets_in(namespace: str | None) -> str:
    """The Secrets of a namespace, or of the cluster."""
    return f"{CORE}{scope(namespace)}/secrets"


def secret_at(key: ObjectKey) -> str:
    """One Secret."""
    return f"{secrets_in(key.namespace)}/{key.name}"


def lease_at(key: ObjectKey) -> str:
    """One Lease."""
    return f"{leases_in(key.namespace)}/{key.name}"


def leases_in(namespace: str) -> str:
    """The Leases of a namespace."""
    return f"{LEASES}{scope(namespace)}/leases"


def events_in(namespace: str | None) -> str:
    """The Events of a namespace, or of the cluster."""
    return f"{EVENTS}{scope(namespace)}/events"


def scope(namespace: str | None) -> str:
    """The part of a path that says a namespace."""
    return "" if namespace is None else f"/namespaces/{namespace}"


# What objects say of themselves.


def object_key(body: Mapping[str, Any]) -> ObjectKey:
    """Its namespace and name."""
    metadata = body["metadata"]
    return ObjectKey(metadata["namespace"], metadata["name"])


def resource_version_of(body: Mapping[str, Any]) -> int:
    """Its resourceVersion. Those of one kind can be compared (KEP-5504); 0 if it has none."""
    version = body["metadata"].get("resourceVersion", "")
    return int(version) if version.isdecimal() else 0


def uid_of(body: Mapping[str, Any]) -> str:
    """Its uid; another one for an object that was made anew."""
    return str(body["metadata"].get("uid", ""))


def generation_of(body: Mapping[str, Any]) -> int:
    """How often its spec was changed."""
    return int(body["metadata"].get("generation", 0))
