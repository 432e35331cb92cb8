"""Connections to nothing but public addresses, whatever a name resolves to.

A name is resolved once, every address that it has is checked, and the connection goes to one of
those: a second answer of a hostile name server is never asked for. `fetching.py` loads this module,
and httpcore with it, when it is first used.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import httpcore

from airouter.upstream.addresses import NotPublic, is_public

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
    """A resolver: the addresses of a name, for connections to a port. Raises `OSError`."""
    Trusted = Callable[[str, int], bool]
    """A test whether a host and port may have any address."""

MOST_ADDRESSES = 4
"""How many of a name's addresses are tried."""
PATIENCE = 3.0
"""Seconds for each."""


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """A network backend of httpcore that checks addresses before it connects."""

    def __init__(self, resolve: Resolve, trusted: Trusted) -> None:
        self._resolve = resolve
        self._trusted = trusted
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Return a connection to a checked address. Raises `NotPublic`, `httpcore.ConnectError`."""
        failure: Exception = NotPublic()
        for address in await self._checked(host, port):
            try:
                stream = await self._inner.connect_tcp(
                    address, port, PATIENCE, local_address, socket_options
                )
                return GuardedStream(stream)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError):
            raise NotPublic from None
        if not self._trusted(host, port) and not all(map(is_public, addresses)):
            raise NotPublic
        return addresses[:MOST_ADDRESSES]


class GuardedStream(httpcore.AsyncNetworkStream):
    """A connection that is closed when its handshake is cancelled.

    httpcore closes one only when the handshake fails, so that it would stay open until the other
    side closes it, if ever.
    """

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        try:
            return await self._inner.start_tls(ssl_context, server_hostname, timeout)
        except asyncio.CancelledError:
            await self._inner.aclose()
            raise

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


async def system_resolve(host: str, port: int) -> list[str]:
    """Return the addresses that the system has for a name."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def open_pool(
    resolve: Resolve | None, trusted: Trusted, context: ssl.SSLContext, most: int
) -> httpcore.AsyncConnectionPool:
    """Return a pool of at most `most` connections, each for one request."""
    return httpcore.AsyncConnectionPool(
        ssl_context=context,
        max_connections=most,
        max_keepalive_connections=0,
        network_backend=GuardedBackend(resolve or system_resolve, trusted),
    )
