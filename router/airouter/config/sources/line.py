"""The connection of one poll after the other; `stream.py` says when, and what becomes of it."""

from __future__ import annotations

import contextlib
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
READ = 65_536
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


class Line:
    """A connection to an operator that is kept between polls. It blocks: a thread waits on it.

    A change reaches every process of a machine at the same moment, so a poll is to cost little: it
    is one write, and its answer is read by `httptools`. The standard library's client takes more
    than twice the time of that, and an asynchronous one three times as long again.
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
        self._socket: ssl.SSLSocket | None = None
        self._waits = False
        """Whether a thread is in `poll`."""

    def poll(self, words: bytes) -> News | None:
        """What is new, if anything is. Raises `Lost`."""
        self._waits = True
        try:
            return self._ask(words).news()
        finally:
            self._waits = False

    def hang_up(self) -> None:
        """End the connection, and the poll that another thread waits for, if one does."""
        if not self._waits:
            self._close()
        elif self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _ask(self, words: bytes) -> Answer:
        try:
            connected = self._socket or self._connect()
            connected.sendall(b"%bcontent-length: %d\r\n\r\n%b" % (self._head, len(words), words))
            answer = Answer.read_from(connected)
        except (OSError, httptools.HttpParserError) as error:
            self._close()
            raise Lost(type(error).__name__) from None
        except Lost:
            self._close()
            raise
        if not answer.keeps_alive or answer.status not in EXPECTED:
            # Behind a Service the next connection may lead to the replica that leads.
            self._close()
        return answer

    def _connect(self) -> ssl.SSLSocket:
        plain = socket.create_connection(self._address, CONNECT_TIMEOUT)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = self._context.wrap_socket(plain, server_hostname=self._address[0])
        except BaseException:
            plain.close()
            raise
        self._socket.settimeout(POLL_TIMEOUT)
        return self._socket

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Answer:
    """The answer to a poll, as `httptools` reads it."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self._version = ""
        self._whole = False
        self.status = 0
        self.keeps_alive = False
        """Whether the connection serves for the next poll."""

    @classmethod
    def read_from(cls, connection: socket.socket) -> Answer:
        """All of it. Raises `Lost`, `OSError`, `HttpParserError`."""
        answer = cls()
        size = 0
        while not answer._whole:
            data = connection.recv(READ)
            size += len(data)
            if not data:
                raise Lost("hung up")
            if size > MAX_PACKED + MOST_HEAD:
                raise Lost("sent more than a snapshot can have")
            answer._parser.feed_data(data)
        return answer

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

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == VERSION_NAME:
            self._version = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        self._whole = True
        self.status = self._parser.get_status_code()
        self.keeps_alive = self._parser.should_keep_alive()


def trusting(ca: str) -> ssl.SSLContext:
    """A context that trusts these certificates and no others. Raises `ssl.SSLError`."""
    if not (ca and ca.isascii()):  # without any, those of the system would be trusted
        raise ssl.SSLError("no certificates")
    return ssl.create_default_context(cadata=ca)
