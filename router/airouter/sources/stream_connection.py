"""The connection to an operator's stream: one poll after the other.

`stream.py` says when to poll, and what becomes of the answer; `http/connection.py` reads it.
"""

from __future__ import annotations

import asyncio
import ssl
from http.client import NO_CONTENT, OK
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from airouter.config.delivery import MAX_PACKED, VERSION_HEADER, Undeliverable, unpack_snapshot
from airouter.config.snapshot import Timeouts
from airouter.failures import drop_frames
from airouter.http.connection import HttpConnection
from airouter.http.dialing import addresses_of, first_of
from airouter.interfaces import UpstreamError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.config.delivery import Stream
    from airouter.config.snapshot import Snapshot
    from airouter.http.dialing import Address
    from airouter.http.reply import HttpReply

CONNECT_TIMEOUT = 5.0
POLL_TIMEOUT = 60.0
"""Longer than an operator holds a poll."""
HTTPS = 443
REFUSED = "the certificate must name the host as a subject alternative name"
UNTRUSTED = "the certificate is not trusted"
OTHER_NAME = frozenset({62, 64})
"""OpenSSL's codes for a certificate of another host name, or of another address."""
VERSION_NAME = VERSION_HEADER.lower().encode()


class News(NamedTuple):
    """The answer to a poll that brings a snapshot, or why that cannot be used."""

    version: str
    snapshot: Snapshot | None
    error: str = ""


class PollFailed(Exception):
    """A poll brought no answer that counts; the message says why."""


class StreamConnection:
    """A connection to an operator that is kept between polls.

    A change reaches every process of a machine at the same moment, so a poll is to cost little: it
    is one write, and its answer is read by `httptools`, without a thread or a task beside.
    """

    timeouts = Timeouts(first_byte=POLL_TIMEOUT, idle=POLL_TIMEOUT, total=POLL_TIMEOUT)
    """Nothing sweeps for these: a poll has a timer of its own."""
    body_limit = MAX_PACKED

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
        self._connection: HttpConnection | None = None

    async def poll(self, body: bytes) -> News | None:
        """Return what is new, if anything is. Raises `PollFailed`."""
        try:
            reply, packed = await self._ask(body)
        except ssl.SSLCertVerificationError as error:
            self.hang_up()
            drop_frames(error)
            reason = REFUSED if error.verify_code in OTHER_NAME else UNTRUSTED
            raise PollFailed(f"{reason}: {error.verify_message}") from None
        except OSError as error:  # timeouts are among them
            self.hang_up()
            drop_frames(error)
            raise PollFailed(type(error).__name__) from None
        except UpstreamError as error:
            self.hang_up()
            raise PollFailed(str(error)) from None
        if reply.status == NO_CONTENT:
            return None
        if reply.status != OK:
            # Behind a Service the next connection may lead to the replica that leads.
            self.hang_up()
            raise PollFailed(f"answered {reply.status}")
        return read_news(reply.headers, packed)

    def hang_up(self) -> None:
        """End the connection; the next poll makes another."""
        if self._connection is not None:
            self._connection.abort()
            self._connection = None

    # What the connection tells its owner.

    def write(self, transport: asyncio.Transport, data: bytes) -> None:
        transport.write(data)

    def release(self, connection: HttpConnection) -> None:
        """Keep the connection: the next poll uses it."""

    def forget(self, connection: HttpConnection) -> None:
        """Leave it to the next poll to see that the connection is closed."""

    async def _ask(self, body: bytes) -> tuple[HttpReply, bytes]:
        connection = self._connection
        if connection is None or connection.closed:
            connection = self._connection = await self._connect()
        data = b"%bcontent-length: %d\r\n\r\n%b" % (self._head, len(body), body)
        async with asyncio.timeout(POLL_TIMEOUT):
            reply = await connection.request(data)
            return reply, await reply.read()

    async def _connect(self) -> HttpConnection:
        """Return a connection to the first address that shakes hands. Raises `OSError`.

        Where a Service has lost its pods, an address may accept connections and say nothing on
        them, so that the first to accept is not the one to take.
        """
        # Not in the timeout: resolvers have one, and a look-up that is left alone goes on.
        addresses = await addresses_of(*self._address)
        return await first_of(addresses, self._shake_hands, HttpConnection.abort)

    async def _shake_hands(self, address: Address) -> HttpConnection:
        """Return a connection to one address. Raises `OSError`."""
        async with asyncio.timeout(CONNECT_TIMEOUT):
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: HttpConnection(self),
                *address[4][:2],
                ssl=self._context,
                server_hostname=self._address[0],
            )
        return connection


def read_news(headers: Mapping[bytes, bytes], packed: bytes) -> News:
    """Return the snapshot that an answer brings, or why that cannot be used."""
    version = headers.get(VERSION_NAME, b"").decode("latin-1")
    try:
        return News(version, unpack_snapshot(packed))
    except Undeliverable as refused:
        return News(version, None, str(refused))


def trusting(ca: str) -> ssl.SSLContext:
    """Return a context that trusts these certificates and no others. Raises `ssl.SSLError`."""
    if not (ca and ca.isascii()):  # without any, those of the system would be trusted
        raise ssl.SSLError("no certificates")
    context = ssl.create_default_context(cadata=ca)
    context.hostname_checks_common_name = False  # by RFC 9525 a name of the subject is no host
    return context
