"""The end of a stream that passes through, kept for the usage in it."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING

from airouter.dialects.conversation import Usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.dialects.estimation import TextMeter


class Tail:
    """The last `limit` bytes of a stream, or a few more."""

    __slots__ = ("_drop", "_dropped", "_limit", "_most", "_pieces", "_size")

    def __init__(self, limit: int, drop: Callable[[list[bytes]], None] | None = None) -> None:
        """Take what is given the pieces that are dropped, many at a time."""
        self._drop = drop
        self._limit = limit
        self._most = 2 * limit
        self._pieces: list[bytes] = []
        self._size = 0
        self._dropped = 0
        """Pieces that came before those that are kept."""

    def add(self, data: bytes) -> None:
        """Add a piece."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size > self._most:  # seldom: a look at the first piece every time costs more
            self._trim()

    def _trim(self) -> None:
        """Drop whole pieces, as many as can be spared: cutting one would copy it."""
        excess = self._size - self._limit
        ends = list(accumulate(map(len, self._pieces)))
        count = bisect_left(ends, excess + 1)
        if count:
            self._size -= ends[count - 1]
            self._dropped += count
            if self._drop is not None:
                self._drop(self._pieces[:count])
            del self._pieces[:count]

    def read(self) -> bytes:
        """Return the bytes that are kept."""
        self._trim()
        return b"".join(self._pieces)

    def estimate(self, meter: TextMeter, received: int) -> Usage:
        """Return what a stream of so many bytes has cost, as far as its text tells."""
        return Usage(output_tokens=meter.tokens(self._pieces, self._dropped, received))
