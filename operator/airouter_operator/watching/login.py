"""kopf's login: its watches use the API server and the identity of the operator's own client."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import kopf

if TYPE_CHECKING:
    from airouter_operator.kube.client import KubeClient

logger = logging.getLogger("airouter.operator")

LOG_IN_AGAIN = 1.0


class KopfLogin:
    """Credentials for kopf, which asks again after each refusal."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._logins = 0

    async def log_in(self) -> kopf.ConnectionInfo:
        """Return the API server as kopf knows it. Raises `ConfigException`."""
        self._logins += 1
        if self._logins > 1:
            # An API server that starts may refuse a token that it takes a moment later.
            logger.warning("the API server does not take the operator's token; will log in again")
            await asyncio.sleep(LOG_IN_AGAIN)
        # The token in a kubeconfig may have been replaced since it was refused.
        configuration = await self._client.configuration(reread=self._logins > 1)
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
            priority=self._logins,  # kopf takes nothing that equals what was refused
        )
