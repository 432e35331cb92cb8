"""Fetches what a client refers to by URL, for providers that want bytes.

A URL comes from outside, so it must not lead inside: a name is resolved here, every address of it
is checked, and the connection goes to the very address that was checked, so that a second answer of
the name server changes nothing. Redirects go the same way again.
"""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import Awaitable, Callable, Collection, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from airouter.dialects.conversation import Media
from airouter.failures import Failure

if TYPE_CHECKING:
    import httpx

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]

MOST_AT_ONCE = 8
MOST_URLS = 32
TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
"""Where IPv4 addresses hide inside IPv6 ones (RFC 6052, RFC 8215)."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
HEADERS = {"accept": "*/*", "user-agent": "airouter"}


class Fetcher:
    """Fetches public URLs; `allowed` (`host` or `host:port`) are fetched wherever they lead."""

    def __init__(
        self,
        allowed: Collection[str] = (),
        *,
        max_bytes: int = 20_971_520,
        timeout: float = 10.0,
        max_redirects: int = 3,
        resolve: Resolve | None = None,
        verify: Any = True,
    ) -> None:
        """`timeout` is seconds for all of a URL; `resolve` and `verify` are for tests."""
        self._allowed = frozenset(host.lower() for host in allowed)
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._max_redirects = max_redirects
        self._resolve = resolve or resolved
        self._verify = verify
        self._client: httpx.AsyncClient | None = None
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)

    async def fetch_all(self, urls: Iterable[str]) -> dict[str, Media]:
        """What the URLs point to. Raises `Failure` 400 for the first that cannot be had."""
        wanted = list(dict.fromkeys(urls))
        if len(wanted) > MOST_URLS:
            raise refused("", f"more than {MOST_URLS} URLs in one request")
        tasks = [asyncio.create_task(self.fetch(url)) for url in wanted]
        try:
            return dict(zip(wanted, await asyncio.gather(*tasks), strict=True))
        finally:
            for task in tasks:
                task.cancel()

    async def fetch(self, url: str) -> Media:
        """What one URL points to. Raises `Failure` 400."""
        import httpx  # noqa: PLC0415  # only where a URL must be fetched

        try:
            async with self._slots, asyncio.timeout(self._timeout):
                return await self._follow(url)
        except TimeoutError:
            raise refused(url, f"it took longer than {self._timeout:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            raise refused(url, "it could not be reached") from None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _follow(self, url: str) -> Media:
        start = url
        for _ in range(self._max_redirects + 1):
            self._check(url, start)
            async with self._opened().stream("GET", url, headers=HEADERS) as response:
                if response.status_code in REDIRECTS:
                    url = urljoin(url, response.headers.get("location", ""))
                    continue
                return await self._read(response, start)
        raise refused(start, f"it redirects more than {self._max_redirects} times")

    async def _read(self, response: httpx.Response, url: str) -> Media:
        if response.status_code != 200:
            raise refused(url, f"it answers with status {response.status_code}")
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > self._max_bytes:
                raise refused(url, f"it is larger than {self._max_bytes} bytes")
        kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
        if not kind:
            raise refused(url, "it does not say what it is")
        return Media(media_type=kind, data=base64.b64encode(body).decode())

    def _check(self, url: str, start: str) -> None:
        """Whether a URL may be fetched at all. Raises `Failure` 400."""
        parts = urlsplit(url)
        if self._is_allowed(parts.hostname or "", parts.port):
            return
        if parts.scheme != "https":
            raise refused(start, "only https is fetched")
        if not parts.hostname or parts.username or parts.password:
            raise refused(start, "it must have a host and no user")
        if parts.port not in {None, 443}:
            raise refused(start, "only port 443 is fetched")

    def _is_allowed(self, host: str, port: int | None) -> bool:
        return host.lower() in self._allowed or f"{host.lower()}:{port}" in self._allowed

    async def addresses(self, host: str, port: int) -> list[str]:
        """Where to connect to. Raises `Failure` 400 for a place that is not public."""
        found = await self._resolve(host, port)
        if not self._is_allowed(host, port) and not all(map(is_public, found)):
            raise refused(host, "it leads to an address that is not public")
        return found

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            from airouter.upstream.public_network import open_client  # noqa: PLC0415

            self._client = open_client(self.addresses, self._verify, self._timeout)
        return self._client


async def resolved(host: str, port: int) -> list[str]:
    """The addresses of a name."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for _, _, _, _, address in found]


def is_public(text: str) -> bool:
    """Whether an address is one of the internet's, in whatever form it is written."""
    try:
        return all(each.is_global and not each.is_multicast for each in meant(ip_address(text)))
    except ValueError:
        return False


def meant(address: Address) -> list[Address]:
    """An address, and the IPv4 one inside it."""
    found: list[Address] = [address]
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return [address.ipv4_mapped]
        if address.sixtofour is not None:
            found.append(address.sixtofour)
        if address.teredo is not None:
            found.extend(address.teredo)
        if any(address in network for network in TRANSLATED):
            return [IPv4Address(int(address) & 0xFFFFFFFF)]
    return found


def refused(url: str, why: str) -> Failure:
    """A URL that is not fetched; its path and query stay out of the answer."""
    host = urlsplit(url).hostname if "//" in url else url
    return Failure(
        400,
        f"The URL at '{(host or '')[:100]}' cannot be fetched for this model: {why}.",
        param="messages",
        code="invalid_url",
    )
