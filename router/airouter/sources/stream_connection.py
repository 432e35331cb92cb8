"""The connection to an operator's stream: one poll after the other.

`stream.py` says when to poll, and what becomes of the answer; `http/kept.py` connects.
"""

from __future__ import annotations

import asyncio
from http.client import NO_CONTENT, OK
from typing import TYPE_CHECKING, NamedTuple

from airouter.config.delivery import (
    ELSEWHERE,
    MAX_PACKED,
    VERSION_HEADER,
    Undeliverable,
    unpack_snapshot,
)
from airouter.config.key_changes import BASE_HEADER, read_changes
from airouter.http.kept import KeptConnection, NoAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.config.delivery import Stream
    from airouter.config.key_changes import KeyChanges
    from airouter.config.snapshot import Snapshot

POLL_TIMEOUT = 60.0
"""Longer than an operator holds a poll."""
AT_ONCE = 65_536
"""Bytes of a packed snapshot that is read in a few milliseconds."""
VERSION_NAME = VERSION_HEADER.lower().encode()
BASE_NAME = BASE_HEADER.encode()


class News(NamedTuple):
    """The answer to a poll that brings a snapshot or changes, or why it cannot be used."""

    version: str
    snapshot: Snapshot | None
    error: str = ""
    changes: KeyChanges | None = None
    """In place of a snapshot, what has changed of the one that runs."""


class PollFailed(Exception):
    """A poll brought no answer that counts; the message says why."""

    def __init__(self, why: str, *, elsewhere: bool = False) -> None:
        """`elsewhere` says that a replica of the operator answered which does not stream (yet)."""
        super().__init__(why)
        self.elsewhere = elsewhere


class StreamConnection:
    """A connection to an operator that is kept between polls."""

    def __init__(self, stream: Stream) -> None:
        """Raises `ValueError` for what is no address or token, `ssl.SSLError` for certificates."""
        self._connection = KeptConnection(
            stream.url, stream.ca, stream.token, patience=POLL_TIMEOUT, body_limit=MAX_PACKED
        )
        self.hang_up = self._connection.hang_up

    async def poll(self, body: bytes) -> News | None:
        """Return what is new, if anything is. Raises `PollFailed`."""
        try:
            reply, packed = await self._connection.ask(body)
        except NoAnswer as why:
            raise PollFailed(str(why)) from None
        if reply.status == NO_CONTENT:
            return None
        if reply.status != OK:
            # Behind a Service the next connection may lead to the replica that leads.
            self.hang_up()
            elsewhere = reply.headers.get(b"retry-after") == ELSEWHERE.encode()
            raise PollFailed(f"answered {reply.status}", elsewhere=elsewhere)
        if len(packed) <= AT_ONCE:
            return read_news(reply.headers, packed)
        return await asyncio.to_thread(read_news, reply.headers, packed)


def read_news(headers: Mapping[bytes, bytes], packed: bytes) -> News:
    """Return what an answer brings, or why that cannot be used."""
    version = headers.get(VERSION_NAME, b"").decode("latin-1")
    try:
        if BASE_NAME in headers:
            return News(version, None, changes=read_changes(packed))
        return News(version, unpack_snapshot(packed))
    except Undeliverable as refused:
        return News(version, None, str(refused))
