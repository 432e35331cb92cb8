"""The end of a stream that passes through, kept for the usage in it."""

from __future__ import annotations

from collections import deque


class Tail:
    """The last `limit` bytes of a stream, or a few more."""

    __slots__ = ("_limit", "_pieces", "_size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: deque[bytes] = deque()
        self._size = 0

    def add(self, data: bytes) -> None:
        """Add a piece."""
        pieces = self._pieces
        pieces.append(data)
        self._size += len(data)
        # Whole pieces only: cutting one would copy it.
        while self._size - len(pieces[0]) > self._limit:
            self._size -= len(pieces.popleft())

    def read(self) -> bytes:
        """Return the bytes that are kept."""
        return b"".join(self._pieces)

    def is_inside_an_event(self) -> bool:
        """Return True where the stream stands in the middle of a server-sent event."""
        end = self.read()[-4:]
        return bool(end) and not end.endswith((b"\n\n", b"\r\n\r\n", b"\r\r"))
