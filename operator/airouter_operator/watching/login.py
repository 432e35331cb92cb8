"""kopf's login: its watches use the API server and the identity of the operator's own client.

kopf knows only whole objects. Its session has the API server send just the metadata of Secrets, so
that those of others, up to a megabyte each and any number of them, stay where they are; and of
Services and their EndpointSlices, which name each pod of the cluster.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import aiohttp
import kopf

from airouter_operator.kube.api import LISTED_METADATA, WATCHED_METADATA
from airouter_operator.watching.cache import trimmed_metadata

if TYPE_CHECKING:
    from airouter_operator.kube.client import KubeClient

logger = logging.getLogger("airouter.operator")

LOG_IN_AGAIN = 1.0
BY_METADATA = ("/secrets", "/services", "/endpointslices")
"""Ends of the paths of lists of which the metadata is enough."""


class KopfLogin:
    """Credentials for kopf, which asks again after each refusal."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._logins = 0

    async def log_in(self) -> kopf.AiohttpSession:
        """Return the API server as kopf knows it. Raises `ConfigException`."""
        self._logins += 1
        if self._logins > 1:
            # An API server that starts may refuse a token that it takes a moment later.
            logger.warning("the API server does not take the operator's token; will log in again")
            await asyncio.sleep(LOG_IN_AGAIN)
        # The token in a kubeconfig may have been replaced since it was refused.
        configuration = await self._client.configuration(reread=self._logins > 1)
        _, _, token = configuration.api_key.get("BearerToken", "").partition(" ")
        info = kopf.ConnectionInfo(
            server=configuration.host,
            ca_path=configuration.ssl_ca_cert,
            ca_data=configuration.ca_cert_data,
            insecure=not configuration.verify_ssl,
            scheme="Bearer" if token else None,
            token=token or None,
            certificate_path=configuration.cert_file,
            private_key_path=configuration.key_file,
        )
        return kopf.AiohttpSession(
            server=info.server,
            aiohttp_session=watching_session(info),
            priority=self._logins,  # kopf takes nothing that equals what was refused
        )


class TrimmedResponse(aiohttp.ClientResponse):
    """A response whose list is without the annotations of others, and never null.

    kopf holds the objects that it lists until each was handled, and each may have 256 KiB of them.
    It fails at the null that some kinds have in place of an empty list of metadata.
    """

    async def json(self, **how: Any) -> Any:
        page = await super().json(**how)
        if isinstance(page, dict) and "items" in page:
            page["items"] = page["items"] or []
            for item in page["items"]:
                if "metadata" in item:
                    item["metadata"] = trimmed_metadata(item["metadata"])
        return page


def watching_session(info: kopf.ConnectionInfo) -> aiohttp.ClientSession:
    """Return a session for lists and watches, which kopf closes."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=info.as_ssl_context()),
        headers=info.as_http_headers(),
        response_class=TrimmedResponse,
        middlewares=(ask_for_metadata,),
    )


async def ask_for_metadata(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Send a request of kopf."""
    if request.url.path.endswith(BY_METADATA):
        watches = "watch" in request.url.query
        request.headers["Accept"] = WATCHED_METADATA if watches else LISTED_METADATA
    return await send(request)
