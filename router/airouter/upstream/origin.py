"""Origins of providers, and how a connection to one is opened: direct, by TLS, through a proxy.

The proxy variables of the environment are read with the standard library's own rules (`HTTP_PROXY`,
`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, upper or lower case). A plain-HTTP provider is asked through
the proxy in absolute form, an HTTPS one through a CONNECT tunnel (RFC 9110, 9.3.6). `pool.py` opens
connections here, `http/dialing.py` gives the sockets below them.
"""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # not in typeshed

from airouter.http.dialing import dial
from airouter.interfaces import ConnectError

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Mapping

P = TypeVar("P", bound=asyncio.Protocol)

TUNNEL_HEAD_LIMIT = 16_384


@dataclass(frozen=True)
class Proxy:
    """An HTTP proxy; `authorization` is the value of that header, or empty."""

    host: str
    port: int
    authorization: bytes = b""

    def __repr__(self) -> str:
        return f"Proxy(host={self.host!r}, port={self.port})"


@dataclass(frozen=True)
class Origin:
    """A scheme, host and port with its trust: what the connections of a pool have in common."""

    scheme: str
    host: str
    port: int
    ca_pem: str | None = None
    server_name: str | None = None
    address: tuple[str, int] | None = None
    """Host and port that connections go to, where that is another place than the name has."""

    @classmethod
    def of(cls, url: str, ca_pem: str | None = None, server_name: str | None = None) -> Origin:
        """Return the origin of a base URL. Raises `ValueError` for what is not http(s)."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"not an http(s) URL: {url!r}")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return cls(parts.scheme, parts.hostname, port, ca_pem, server_name)

    def at(self, address: str) -> Origin:
        """Return this origin at one of its addresses, such as `10.0.0.7:8000` or `[fd00::7]:8000`.

        Raises `ValueError` for what is none.
        """
        parts = urlsplit(f"//{address}")
        if not parts.hostname or not parts.port:
            raise ValueError(f"not an address with a port: {address!r}")
        return replace(self, address=(parts.hostname, parts.port))

    @property
    def authority(self) -> str:
        """The `Host` header: without a default port, an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return host if self.port == default else f"{host}:{self.port}"


def choose_proxy(origin: Origin, proxies: Mapping[str, str]) -> Proxy | None:
    """Return the proxy that `proxies` (of `urllib.request.getproxies`) has for an origin.

    Raises `ConnectError` for a proxy that is not spoken to over plain HTTP.
    """
    url = proxies.get(origin.scheme) or proxies.get("all")
    if not url or proxy_bypass_environment(f"{origin.host}:{origin.port}", dict(proxies)):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise ConnectError(f"the proxy for {origin.host} is not an http:// proxy")
    authorization = b""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = b"Basic " + base64.b64encode(pair.encode())
    return Proxy(parts.hostname, parts.port or 80, authorization)


async def connect(
    protocol: Callable[[], P],
    origin: Origin,
    proxy: Proxy | None,
    context: ssl.SSLContext | None,
    *,
    tunnels: bool = False,
) -> P:
    """Return an open connection to the origin. Raises `OSError`, TLS failures too, `ConnectError`.

    `tunnels` is for what a proxy does not understand, such as WebSocket (RFC 6455, 4.1).
    """
    if proxy is None:
        found = await dial(*(origin.address or (origin.host, origin.port)))
    elif context is None and not tunnels:
        found = await dial(proxy.host, proxy.port)
    else:
        found = await open_tunnel(origin, proxy)
    server_name = (origin.server_name or origin.host) if context else None
    loop = asyncio.get_running_loop()
    try:
        _, made = await loop.create_connection(
            protocol, sock=found, ssl=context, server_hostname=server_name
        )
    except BaseException:
        found.close()
        raise
    return made


async def open_tunnel(origin: Origin, proxy: Proxy) -> socket.socket:
    """Return a socket to the origin through the proxy. Raises `OSError`, `ConnectError`."""
    tunnel = await dial(proxy.host, proxy.port)
    try:
        await asyncio.get_running_loop().sock_sendall(tunnel, connect_request(origin, proxy))
        status = await read_tunnel_status(tunnel)
        if not 200 <= status < 300:
            raise ConnectError(f"the proxy answered CONNECT with {status}")
    except BaseException:
        tunnel.close()
        raise
    return tunnel


def connect_request(origin: Origin, proxy: Proxy) -> bytes:
    """Return the request that asks a proxy for a tunnel."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    target = f"{host}:{origin.port}".encode()
    lines = [b"CONNECT " + target + b" HTTP/1.1", b"host: " + target]
    if proxy.authorization:
        lines.append(b"proxy-authorization: " + proxy.authorization)
    return b"\r\n".join([*lines, b"", b""])


async def read_tunnel_status(tunnel: socket.socket) -> int:
    """Return the status of the proxy's answer, whose header is read and no more."""
    loop = asyncio.get_running_loop()
    head = bytearray()
    # A byte at a time: the next byte after the header belongs to the TLS handshake.
    while not head.endswith(b"\r\n\r\n"):
        byte = await loop.sock_recv(tunnel, 1)
        if not byte or len(head) > TUNNEL_HEAD_LIMIT:
            raise ConnectError("the proxy did not answer CONNECT")
        head += byte
    try:
        return int(head.split(b" ", 2)[1][:3])
    except (IndexError, ValueError):
        raise ConnectError("the proxy did not answer CONNECT in HTTP") from None
