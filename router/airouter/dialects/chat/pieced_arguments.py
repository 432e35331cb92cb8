"""Pieces of a call: where arguments are whole, and those of another call begin.

Only an index or an id should tell calls apart, but there are servers that give all of them the same
ones, and others that repeat id and name in each piece of one call. Few tell a name in pieces, too.
"""

from __future__ import annotations

import msgspec

from airouter.untrusted import UNREADABLE

MOST_KEPT = 16_777_216
"""Characters; of more, nobody knows whether they are whole."""
LONGEST_NAME = 128
"""Characters in the name of a tool."""
MAY_END = frozenset({"}", ""})
"""What the last piece of an object may end with, but for white space."""


class PiecedArguments:
    """The arguments of one call so far."""

    __slots__ = ("_pieces", "_size")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._size = 0

    def __bool__(self) -> bool:
        return self._size > 0

    def add(self, text: str) -> None:
        """Take the next piece."""
        self._size += len(text)
        if self._size <= MOST_KEPT:
            self._pieces.append(text)
        else:
            self._pieces.clear()

    def are_whole(self) -> bool:
        """Return True where nothing can be added."""
        return is_whole("".join(self._pieces))

    def are_over_before(self, text: str) -> bool:
        """Return True where `text` begins those of another call: all of them are objects.

        To read the whole for each piece would be dear.
        """
        if not self._pieces or not text.lstrip().startswith("{"):
            return False
        return self._pieces[-1].rstrip()[-1:] in MAY_END and self.are_whole()


def is_more_of(name: str, told: str) -> bool:
    """Return True where a name that is `told` of a call may go on from the one so far."""
    return told != name and len(name) + len(told) <= LONGEST_NAME


def is_whole(arguments: str) -> bool:
    """Return True for JSON."""
    try:
        msgspec.json.decode(arguments)
    except UNREADABLE:
        return False
    return True
