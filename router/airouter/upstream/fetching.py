"""Fetching of what a client refers to by URL, for a provider that wants the bytes.

The URL is a stranger's. It is asked for with nothing of ours: no credentials, no cookies, no proxy;
only https to public addresses (`guarded.py`), unless its host is in the allow-list; with everything
that it can take bounded. What the client is told never says what stands inside our network.

httpx and httpcore, rather than `http/`, do it: a stranger's redirects and URLs are their trade.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from binascii import b2a_base64
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airouter import __version__
from airouter.bounds.shares import Shares
from airouter.dialects.conversation import Media
from airouter.failures import Failure
from airouter.http.decoding import content_decoder
from airouter.interfaces import BrokenReply
from airouter.upstream.addresses import NotPublic

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    import httpcore
    import httpx

    from airouter.upstream.guarded import Resolve

MEGABYTE = 1 << 20
MOST_AT_ONCE = 16
"""Of all clients; one alone may have half of them."""
MOST_URLS = 32
LONGEST_URL = 8192
PORTS = {"http": 80, "https": 443}
MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", re.ASCII)
REDIRECTS = frozenset({301, 302, 303, 307, 308})
HEADERS = [
    (b"accept", b"*/*"),
    (b"accept-encoding", b"identity"),
    (b"user-agent", f"airouter/{__version__}".encode()),
]


def hold_nothing(size: int) -> None:
    """Let content be of any size."""


class Unfetchable(Exception):
    """A URL that is not fetched; the message tells the client why."""


class Fetcher:
    """A fetcher of what is public or on an allow-listed host, a bounded number at once."""

    def __init__(
        self,
        allowed: Collection[str] = (),
        *,
        max_bytes: int = 20 * MEGABYTE,
        timeout: float = 10.0,
        max_redirects: int = 3,
        resolve: Resolve | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Opens nothing yet. Raises `ValueError` for an entry that is no host.

        Args:
            allowed: Hosts that may have any address and may be asked over plain http: as `host` at
                the standard ports, as `host:port` at that one.
            max_bytes: Of the content, once decompressed.
            timeout: Seconds for all of one URL, the wait for a free place included.
            max_redirects: Each leads to a URL that is checked like the first.
            resolve: A resolver instead of the system's.
            context: Trust instead of the system's.
        """
        self._allowed = {allowed_place(entry) for entry in allowed}
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._max_redirects = max_redirects
        self._resolve = resolve
        self._context = context
        self._places = Shares(MOST_AT_ONCE)
        self._pool: httpcore.AsyncConnectionPool | None = None

    async def fetch_all(
        self, urls: Iterable[str], owner: str = "", hold: Callable[[int], None] = hold_nothing
    ) -> dict[str, Media]:
        """Return what the URLs point to, for a client; `hold` is told of the bytes as they come.

        Raises `Failure` 400 for the first that cannot be had, and what `hold` raises.
        """
        wanted = list(dict.fromkeys(urls))
        if len(wanted) > MOST_URLS:
            raise url_failure(wanted[0], f"there are more than {MOST_URLS} URLs in one request")
        await self._opened()
        for url in wanted:  # before any of them is asked for
            self._permit(url)
        tasks = [asyncio.create_task(self.fetch(url, owner, hold)) for url in wanted]
        try:
            return dict(zip(wanted, await asyncio.gather(*tasks), strict=True))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def fetch(
        self, url: str, owner: str = "", hold: Callable[[int], None] = hold_nothing
    ) -> Media:
        """Return what one URL points to, for a client. Raises as `fetch_all` does."""
        try:
            async with asyncio.timeout(self._timeout), self._places.place(owner):
                return await self._follow(url, hold)
        except TimeoutError:
            why = f"it took longer than {self._timeout:g} seconds"
        except (NotPublic, Unfetchable) as error:
            why = str(error)
        raise url_failure(url, why)

    async def _follow(self, text: str, hold: Callable[[int], None]) -> Media:
        pool = await self._opened()
        url = parse_url(text)
        for _ in range(self._max_redirects + 1):
            self._check(url)
            found = await self._ask(pool, url, hold)
            if isinstance(found, Media):
                return found
            url = parse_url(found, url)
        raise Unfetchable(f"it redirects more than {self._max_redirects} times")

    async def _ask(
        self, pool: httpcore.AsyncConnectionPool, url: httpx.URL, hold: Callable[[int], None]
    ) -> Media | str:
        """Return what is at a URL, or the location that it redirects to."""
        import httpcore  # noqa: PLC0415 - loaded by now

        target = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )
        headers = [(b"host", url.netloc), *HEADERS]
        try:
            async with pool.stream("GET", target, headers=headers) as response:
                return await self._read(response, hold)
        except BrokenReply:
            raise Unfetchable("its compressed content cannot be read") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
            raise Unfetchable("the connection failed") from None

    async def _read(self, response: httpcore.Response, hold: Callable[[int], None]) -> Media | str:
        headers = {name.lower(): value for name, value in response.headers}
        location = headers.get(b"location")
        if response.status in REDIRECTS and location is not None:
            return location.decode("latin-1")
        if response.status != 200:
            raise Unfetchable(f"it answered with status {response.status}")
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self._max_bytes:
            raise self._too_large()
        kind = media_type_of(headers)
        return Media(media_type=kind, data=await self._read_body(response, headers, hold))

    async def _read_body(
        self,
        response: httpcore.Response,
        headers: Mapping[bytes, bytes],
        hold: Callable[[int], None],
    ) -> str:
        decoder = content_decoder(headers)
        content = Base64Encoder()
        async for piece in response.aiter_stream():
            before = content.size
            content.add(piece if decoder is None else decoder.decode(piece))
            if content.size > self._max_bytes:
                raise self._too_large()
            hold((content.size - before) * 4 // 3)
        if decoder is not None and not decoder.finished:
            raise BrokenReply("the compressed body ended early")
        return content.finish()

    def _too_large(self) -> Unfetchable:
        return Unfetchable(f"it is larger than {self._max_bytes} bytes")

    def _permit(self, url: str) -> None:
        """Raise `Failure` 400 for a URL that is not to be asked for."""
        try:
            self._check(parse_url(url))
        except Unfetchable as error:
            raise url_failure(url, str(error)) from None

    def _check(self, url: httpx.URL) -> None:
        """Raise `Unfetchable` for a URL that is not to be asked for."""
        if url.scheme not in PORTS or not url.host:
            raise Unfetchable("only https URLs can be fetched")
        if url.userinfo:
            raise Unfetchable("it has credentials in it")
        port = url.port or PORTS[url.scheme]
        if self._trusted(url.raw_host.decode("ascii"), port):
            return
        if url.scheme != "https":
            raise Unfetchable("only https URLs can be fetched")
        if port != 443:
            raise Unfetchable("only port 443 can be used")

    def _trusted(self, host: str, port: int) -> bool:
        host = host.lower()
        named = (host, None) in self._allowed and port in PORTS.values()
        return named or (host, port) in self._allowed

    async def _opened(self) -> httpcore.AsyncConnectionPool:
        if self._pool is None:  # what is loaded for the first time would stop the event loop
            pool = await asyncio.to_thread(self._open)
            self._pool = self._pool or pool
        return self._pool

    def _open(self) -> httpcore.AsyncConnectionPool:
        import httpx  # noqa: F401, PLC0415

        from airouter.upstream.guarded import open_pool  # noqa: PLC0415

        context = self._context or ssl.create_default_context()
        return open_pool(self._resolve, self._trusted, context, MOST_AT_ONCE)


class Base64Encoder:
    """An encoder of bytes as they come, so that many of them do not stop the event loop."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes that have come so far."""
        self._encoded: list[bytes] = []
        self._rest = b""

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        data = self._rest + piece
        whole = len(data) - len(data) % 3
        self._encoded.append(b2a_base64(data[:whole], newline=False))
        self._rest = data[whole:]

    def finish(self) -> str:
        """Return all that has come, in base64."""
        self._encoded.append(b2a_base64(self._rest, newline=False))
        return b"".join(self._encoded).decode("ascii")


def allowed_place(entry: str) -> tuple[str, int | None]:
    """Return host and port of an entry of an allow-list. Raises `ValueError`."""
    parts = urlsplit(f"//{entry}")
    if not parts.hostname or parts.path or parts.username is not None:
        raise ValueError(f"not a host or host:port: {entry!r}")
    return parts.hostname, parts.port


def parse_url(text: str, base: httpx.URL | None = None) -> httpx.URL:
    """Return a URL as httpx reads it, by itself or as seen from `base`. Raises `Unfetchable`."""
    import httpx  # noqa: PLC0415 - loaded by now

    try:
        if len(text) <= LONGEST_URL:
            url = httpx.URL(text) if base is None else base.join(text)
            url.host  # noqa: B018 - is decoded when it is first asked for, and may be no host
            return url
    except (httpx.InvalidURL, ValueError):
        pass
    raise Unfetchable("it cannot be read")


def media_type_of(headers: Mapping[bytes, bytes]) -> str:
    """Return the media type that a header names. Raises `Unfetchable`."""
    named = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    if not MEDIA_TYPE.fullmatch(named):
        raise Unfetchable("it does not say of what type it is")
    return named


def url_failure(url: str, why: str) -> Failure:
    """Return the failure of a URL that is not fetched. It names no more of that than the host."""
    try:
        host = urlsplit(url[:LONGEST_URL]).hostname or ""
    except ValueError:
        host = ""
    return Failure(
        400,
        f"The URL at {host[:100]!r} cannot be fetched for this model: {why}.",
        param="messages",
        code="invalid_url",
    )
