"""The connection of one poll after the other; `stream.py` says when, and what becomes of it."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from airouter.config.delivery import MAX_PACKED, VERSION_HEADER, Refused, unpack

if TYPE_CHECKING:
    from airouter.config.delivery import Stream
    from airouter.config.snapshot import Snapshot

CONNECT_TIMEOUT = 5.0
POLL_TIMEOUT = 60.0
"""Longer than an operator holds a poll."""


class News(NamedTuple):
    """What a poll brought: a snapshot, or why it cannot be used."""

    version: str
    snapshot: Snapshot | None
    refusal: str = ""


class Lost(Exception):
    """A poll failed; the message says how."""


class Line:
    """A connection to an operator that is kept between polls. It blocks: a thread waits on it.

    The standard library's client takes a third of the time of an asynchronous one, and a change
    reaches every process of a machine at the same moment.
    """

    def __init__(self, stream: Stream) -> None:
        """Raises `ValueError` for an address, `ssl.SSLError` for certificates that are none."""
        self._url = urlsplit(stream.url)
        self._connection = http.client.HTTPSConnection(
            self._url.hostname or "",
            self._url.port,
            timeout=CONNECT_TIMEOUT,
            context=trusting(stream.ca),
        )
        self._headers = {
            "authorization": f"Bearer {stream.token}",
            "content-type": "application/json",
        }

    def poll(self, words: bytes) -> News | None:
        """What is new, if anything is. Raises `Lost`."""
        try:
            if self._connection.sock is None:
                self._connect()
            self._connection.request("POST", self._url.path, words, self._headers)
            return self._read(self._connection.getresponse())
        except (OSError, ValueError, http.client.HTTPException) as error:
            self._connection.close()
            raise Lost(type(error).__name__) from None

    def hang_up(self) -> None:
        """End a poll that another thread waits for."""
        if self._connection.sock is not None:
            with contextlib.suppress(OSError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> None:
        self._connection.connect()
        self._connection.sock.settimeout(POLL_TIMEOUT)

    def _read(self, response: http.client.HTTPResponse) -> News | None:
        packed = response.read(MAX_PACKED + 1)
        if response.status == http.client.NO_CONTENT:
            return None
        if response.status != http.client.OK:
            # Behind a Service the next connection may lead to the replica that leads.
            self._connection.close()
            raise Lost(f"answered {response.status}")
        if len(packed) > MAX_PACKED:
            self._connection.close()
            raise Lost("sent more than a snapshot can have")
        version = response.headers.get(VERSION_HEADER, "")
        try:
            return News(version, unpack(packed))
        except Refused as refused:
            return News(version, None, str(refused))


def trusting(ca: str) -> ssl.SSLContext:
    """A context that trusts these certificates and no others. Raises `ssl.SSLError`."""
    if not (ca and ca.isascii()):  # without any, those of the system would be trusted
        raise ssl.SSLError("no certificates")
    return ssl.create_default_context(cadata=ca)
