"""An HTTP client whose connections go where `Fetcher.addresses` says, and nowhere else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import httpcore
import httpx

Addresses = Callable[[str, int], Awaitable[list[str]]]
MOST_CONNECTIONS = 16


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were checked, never to a name."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # as httpcore has it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        error: Exception = httpcore.ConnectError("no address")
        for address in await self._addresses(host, port):
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
        raise error

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


def open_client(addresses: Addresses, verify: Any, timeout: float) -> httpx.AsyncClient:
    """A client without proxies, cookies or redirects of its own."""
    transport = httpx.AsyncHTTPTransport(verify=verify, trust_env=False)
    transport._pool = httpcore.AsyncConnectionPool(  # noqa: SLF001  # httpx has no door for this
        ssl_context=transport._pool._ssl_context,  # noqa: SLF001
        max_connections=MOST_CONNECTIONS,
        max_keepalive_connections=0,
        network_backend=CheckedBackend(addresses),
    )
    return httpx.AsyncClient(transport=transport, trust_env=False, timeout=timeout)
