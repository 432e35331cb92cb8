"""Ids of calls, each of them once in an answer.

A client sends a result by the id of its call: where two calls have the same one, as some servers
write them, neither can be answered.
"""

from __future__ import annotations

import secrets


def new_call_id() -> str:
    """Return an id for a call that its provider gave none."""
    return "call_" + secrets.token_hex(12)


class UniqueIds:
    """The ids in one answer."""

    __slots__ = ("_known", "_mark")

    def __init__(self, mark: str = "_") -> None:
        """Take what stands before the number at the end of an id that was made unique."""
        self._mark = mark
        self._known: dict[str, int] = {}
        """The number that the last call of an id got."""

    def unique(self, id_: str) -> str:
        """Return the id of the next call: the one that it came with, if no call has that."""
        known = self._known
        count = known[id_] = known.get(id_, 0) + 1
        if count == 1:
            return id_
        while (unique := f"{id_}{self._mark}{count}") in known:
            count += 1
        known[id_] = count  # the next one looks no further back
        known[unique] = 1
        return unique
