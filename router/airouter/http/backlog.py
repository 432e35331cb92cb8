"""Bytes that a connection has received and not parsed: they are, in slices, as turns allow.

One packet may have thousands of requests in it. None is made of its bytes before the one that it
waits for is served, so that they take neither the loop nor the memory of others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from airouter.eventloop.turns import Turns

NOTHING = memoryview(b"")


class Parsing(Protocol):
    """A connection, as its backlog sees it."""

    def parse(self, data: bytes | memoryview) -> None: ...

    def slice_size(self) -> int:
        """Return how many bytes may be parsed at a time; none while a request waits."""
        ...

    def rest(self) -> None:
        """Take note that nothing more is parsed for now."""
        ...


class Backlog:
    """The bytes of a connection that wait to be parsed."""

    __slots__ = ("_connection", "_shares", "_turns", "unread")

    def __init__(self, connection: Parsing, turns: Turns) -> None:
        self.unread = NOTHING
        self._connection: Parsing | None = connection
        self._turns = turns
        self._shares = False

    def add(self, data: bytes) -> None:
        """Parse some bytes after those that wait."""
        self.unread = memoryview(b"".join((self.unread, data)) if self.unread else data)
        self.share()

    def share(self) -> None:
        """Go on, as soon as there is a turn for it."""
        if self.unread and not self._shares:
            self._shares = True
            self._turns.share(self._read_on)

    def take(self) -> bytes:
        """Return what waits; it is parsed elsewhere, or not at all."""
        taken, self.unread = bytes(self.unread), NOTHING
        return taken

    def close(self) -> None:
        """Let go of what waits, and of the connection, which is lost."""
        self.unread = NOTHING
        self._connection = None

    def _read_on(self) -> bool:
        connection = self._connection
        if connection is None:
            return False
        size = connection.slice_size()
        if size and self.unread:
            data, self.unread = self.unread[:size], self.unread[size:]
            connection.parse(data)
            if self.unread and connection.slice_size():
                return True
        self._shares = False
        connection.rest()
        return False
