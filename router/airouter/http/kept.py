"""A connection to one server, kept between requests: of polls, and of words with a ledger.

The server is known by certificates of its own, and knows the client by a token.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airouter.config.snapshot import Timeouts
from airouter.failures import drop_frames
from airouter.http.connection import HttpConnection
from airouter.http.dialing import addresses_of, first_of
from airouter.interfaces import UpstreamError

if TYPE_CHECKING:
    from airouter.http.dialing import Address
    from airouter.http.reply import HttpReply
    from airouter.interfaces import EndedEarly

CONNECT_TIMEOUT = 5.0
HTTPS = 443
REFUSED = "the certificate must name the host as a subject alternative name"
UNTRUSTED = "the certificate is not trusted"
OTHER_NAME = frozenset({62, 64})
"""OpenSSL's codes for a certificate of another host name, or of another address."""


class NoAnswer(Exception):
    """A request brought no answer; the message says why."""


class KeptConnection:
    """Asks one request at a time.

    A change reaches every process of a machine at the same moment, so a request is to cost little:
    it is one write, and its answer is read by `httptools`, without a thread or a task beside.
    """

    def __init__(self, url: str, ca: str, token: str, *, patience: float, body_limit: int) -> None:
        """`patience` is seconds for an answer, `body_limit` bytes of one; `ca` is PEM.

        Raises `ValueError` for what is no address or token, `ssl.SSLError` for certificates.
        """
        parts = urlsplit(url)
        if not token.isprintable():  # it would end its header line
            raise ValueError("no token")
        self.timeouts = Timeouts(first_byte=patience, idle=patience, total=patience)
        """Nothing sweeps for these: a request has a timer of its own."""
        self.body_limit = body_limit
        self._patience = patience
        self._address = parts.hostname or "", parts.port or HTTPS
        self._context = trusting(ca)
        self._head = (
            f"POST {parts.path} HTTP/1.1\r\n"
            f"host: {parts.netloc}\r\n"
            f"authorization: Bearer {token}\r\n"
            "content-type: application/json\r\n"
        ).encode("ascii")
        self._connection: HttpConnection | None = None
        self._connecting: asyncio.Task[HttpConnection] | None = None

    async def ask(self, body: bytes) -> tuple[HttpReply, bytes]:
        """Return the answer and its body, whatever its status. Raises `NoAnswer`.

        Who stops waiting for it ends the connection, but not the making of one.
        """
        try:
            return await self._ask(body)
        except ssl.SSLCertVerificationError as error:
            drop_frames(error)
            reason = REFUSED if error.verify_code in OTHER_NAME else UNTRUSTED
            raise NoAnswer(f"{reason}: {error.verify_message}") from None
        except OSError as error:  # timeouts are among them
            drop_frames(error)
            raise NoAnswer(type(error).__name__) from None
        except UpstreamError as error:
            raise NoAnswer(str(error)) from None

    def hang_up(self) -> None:
        """End the connection; the next request makes another."""
        if self._connection is not None:
            self._connection.abort()
            self._connection = None
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None

    # What the connection tells its owner.

    turns = None

    def write(self, transport: asyncio.Transport, data: bytes) -> None:
        transport.write(data)

    def release(self, connection: HttpConnection) -> None:
        """Keep the connection: the next request uses it."""

    def forget(self, connection: HttpConnection) -> None:
        """Leave it to the next request to see that the connection is closed."""

    def ended_early(self, error: EndedEarly) -> None:
        """Leave it to whoever reads the answer: there is no other server."""

    async def _ask(self, body: bytes) -> tuple[HttpReply, bytes]:
        connection = await self._connected()
        data = b"%bcontent-length: %d\r\n\r\n%b" % (self._head, len(body), body)
        try:
            async with asyncio.timeout(self._patience):
                reply = await connection.request(data)
                return reply, await reply.read()
        except BaseException:
            connection.abort()
            raise

    async def _connected(self) -> HttpConnection:
        """Return the connection, or another one where it has ended. Raises `OSError`."""
        if self._connection is not None and not self._connection.closed:
            return self._connection
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect())
            self._connecting.add_done_callback(self._keep)
        # Not cancelled with whoever waits: a look-up that is left alone goes on, and they pile up.
        return await asyncio.shield(self._connecting)

    def _keep(self, connecting: asyncio.Task[HttpConnection]) -> None:
        is_wanted = connecting is self._connecting
        if is_wanted:
            self._connecting = None
        if connecting.cancelled() or connecting.exception() is not None:
            return
        if is_wanted:
            self._connection = connecting.result()
        else:
            connecting.result().abort()

    async def _connect(self) -> HttpConnection:
        """Return a connection to the first address that shakes hands. Raises `OSError`.

        Where a Service has lost its pods, an address may accept connections and say nothing on
        them, so that the first to accept is not the one to take.
        """
        # Not in the timeout: resolvers have one.
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


def trusting(ca: str) -> ssl.SSLContext:
    """Return a context that trusts these certificates and no others. Raises `ssl.SSLError`."""
    if not (ca and ca.isascii()):  # without any, those of the system would be trusted
        raise ssl.SSLError("no certificates")
    context = ssl.create_default_context(cadata=ca)
    context.hostname_checks_common_name = False  # by RFC 9525 a name of the subject is no host
    return context
