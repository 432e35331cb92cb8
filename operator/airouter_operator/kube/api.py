"""The requests that the operator makes of the API server, as an interface.

`client.py` makes them over HTTP. Every other module asks for a `KubeApi`, so that it knows neither
the client nor its connections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airouter_operator.kube.objects import Object, ObjectKey

FIELD_MANAGER = "airouter-operator"
"""The name under which the operator owns the fields that it applies."""
PAGE = 50
"""Objects of a page, by default. The annotations of each may take 256 KiB."""
LISTED_METADATA = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
WATCHED_METADATA = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
"""Media types by which the API server sends no more of objects than their metadata."""
JWK_SET = "application/jwk-set+json"
"""The only media type in which it sends its keys for tokens."""


class KubeApi(Protocol):
    """Requests to the API server. Every method raises `KubeError`."""

    async def get(self, path: str, *, accept: str = "application/json") -> Object:
        """Return one object, or a document of discovery; `accept` is its media type."""
        ...

    async def find(self, key: ObjectKey, path: str, *, fields: str = "") -> Object | None:
        """Return one object of a list, which takes no right to `get`.

        None if it is not there, or is not what a field selector asks for.
        """
        ...

    def each(
        self,
        path: str,
        *,
        metadata_only: bool = False,
        fields: str = "",
        labels: str = "",
        page: int = PAGE,
    ) -> AsyncIterator[Object]:
        """Yield the objects of a list, which is asked for page by page.

        `fields` and `labels` are selectors, `page` the objects that are in memory at a time.
        """
        ...

    async def create(self, path: str, body: Object) -> Object:
        """Create an object and return it as the API server has it."""
        ...

    async def replace(self, path: str, body: Object) -> Object:
        """Replace an object as a whole and return it."""
        ...

    async def merge(self, path: str, patch: Object) -> Object:
        """Merge a patch (RFC 7386) into an object and return it."""
        ...

    async def apply(self, path: str, body: Object) -> Object:
        """Apply an object server-side: own the fields it names, whoever owned them before."""
        ...
