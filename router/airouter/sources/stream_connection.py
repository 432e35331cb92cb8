"""The connection of one poll after the other; `stream.py` says when, and what becomes of it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from http.client import NO_CONTENT, OK
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import httptools

from airouter.config.delivery import MAX_PACKED, VERSION_HEADER, Refused, unpack

if TYPE_CHECKING:
    from airouter.config.delivery import Stream
    from airouter.config.snapshot import Snapshot

CONNECT_TIMEOUT = 5.0
POLL_TIMEOUT = 60.0
"""Longer than an operator holds a poll."""
HTTPS = 443
MOST_HEAD = 65_536
"""Bytes of an answer beside its body."""
EXPECTED = (OK, NO_CONTENT)
VERSION_NAME = VERSION_HEADER.lower().encode()


class News(NamedTuple):
    """What a poll brought: a snapshot, or why it cannot be used."""

    version: str
    snapshot: Snapshot | None
    refusal: str = ""


class Lost(Exception):
    """A poll failed; the message says how."""


class StreamConnection:
    """A connection to an operator that is kept between polls.

    A change reaches every process of a machine at the same moment, so a poll is to cost little: it
    is one write, and its answer is read by `httptools`, without a thread or a task beside.
    """

    def __init__(self, stream: Stream) -> None:
        """Raises `ValueError` for what is no address or token, `ssl.SSLError` for certificates."""
        url = urlsplit(stream.url)
        if not stream.token.isprintable():  # it would end its header line
            raise ValueError("no token")
        self._address = url.hostname or "", url.port or HTTPS
        self._context = trusting(stream.ca)
        self._head = (
            f"POST {url.path} HTTP/1.1\r\n"
            f"host: {url.netloc}\r\n"
            f"authorization: Bearer {stream.token}\r\n"
            "content-type: application/json\r\n"
        ).encode("ascii")
        self._connection: Connection | None = None

    async def poll(self, words: bytes) -> News | None:
        """What is new, if anything is. Raises `Lost`."""
        try:
            answer = await self._ask(words)
        except (OSError, httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.hang_up()
            raise Lost(type(error).__name__) from None
        except Lost:
            self.hang_up()
            raise
        if not answer.keeps_alive or answer.status not in EXPECTED:
            # Behind a Service the next connection may lead to the replica that leads.
            self.hang_up()
        return answer.news()

    def hang_up(self) -> None:
        """End the connection; the next poll makes another."""
        if self._connection is not None:
            self._connection.abort()
            self._connection = None

    async def _ask(self, words: bytes) -> Answer:
        connection = self._connection
        if connection is None or connection.closed:
            connection = self._connection = await self._connect()
        data = b"%bcontent-length: %d\r\n\r\n%b" % (self._head, len(words), words)
        async with asyncio.timeout(POLL_TIMEOUT):
            return await connection.ask(data)

    async def _connect(self) -> Connection:
        """A connection to the first address that answers."""
        loop = asyncio.get_running_loop()
        host, port = self._address
        failure = OSError("no address")
        # Not in the timeout: resolvers have one, and a look-up that is left alone goes on.
        for *_, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT):
                    _, connection = await loop.create_connection(
                        Connection, *address[:2], ssl=self._context, server_hostname=host
                    )
            except OSError as error:
                failure = error
            else:
                return connection
        raise failure


class Connection(asyncio.Protocol):
    """Asks one thing at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._answer = Answer()
        self._heard: asyncio.Future[Answer] | None = None
        self.closed = False

    def ask(self, data: bytes) -> asyncio.Future[Answer]:
        """Write a request. Raises `Lost`; the future that, `OSError`, or what the parser does."""
        if self.closed:
            raise Lost("hung up")
        self._answer = Answer()
        self._heard = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        return self._heard

    def abort(self) -> None:
        self.closed = True
        self._transport.abort()

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream's transport is one

    def data_received(self, data: bytes) -> None:
        if self._heard is None or self._heard.done():  # nobody asked
            self.abort()
            return
        try:
            self._answer.feed(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade, Lost) as error:
            self._heard.set_exception(error)
        else:
            if self._answer.whole:
                self._heard.set_result(self._answer)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if self._heard is not None and not self._heard.done():
            self._heard.set_exception(error or Lost("hung up"))


class Answer:
    """The answer to a poll, as `httptools` reads it."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self._size = 0
        self._version = ""
        self.whole = False
        self.status = 0
        self.keeps_alive = False
        """Whether the connection serves for the next poll."""

    def feed(self, data: bytes) -> None:
        """A further piece. Raises `Lost` where it is too much, and what the parser does."""
        self._size += len(data)
        if self._size > MAX_PACKED + MOST_HEAD:
            raise Lost("sent more than a snapshot can have")
        self._parser.feed_data(data)

    def news(self) -> News | None:
        """What it brings. Raises `Lost` for an error."""
        if self.status == NO_CONTENT:
            return None
        if self.status != OK:
            raise Lost(f"answered {self.status}")
        try:
            return News(self._version, unpack(b"".join(self._pieces)))
        except Refused as refused:
            return News(self._version, None, str(refused))

    # What the parser tells.

    def on_message_begin(self) -> None:
        if self.whole:
            raise Lost("said more than it was asked")

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == VERSION_NAME:
            self._version = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self.keeps_alive = self._parser.should_keep_alive()
        self.whole = self.status >= OK  # below are those that say: there is more to come


def trusting(ca: str) -> ssl.SSLContext:
    """A context that trusts these certificates and no others. Raises `ssl.SSLError`."""
    if not (ca and ca.isascii()):  # without any, those of the system would be trusted
        raise ssl.SSLError("no certificates")
    return ssl.create_default_context(cadata=ca)
