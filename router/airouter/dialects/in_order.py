"""Parts that come interleaved, told one after the other.

Some servers begin a second call before the first one is whole, and go on with both by turns. The
renderers, and what clients make of their events, know one part at a time: so the part that began
first is told as it comes, and what belongs to a later one is held until its turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.events import PartBegun, PartEnded
from airouter.interfaces import BrokenReply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.dialects.events import Delta

    PartEvent = PartBegun | Delta | PartEnded

MOST_HELD = 67_108_864
"""Characters of the parts that wait."""
OVERHEAD = 128
"""What an event counts for beside its text."""


class PartsInOrder:
    """The parts of one choice, each with its own `at`. The one that is told now is the front."""

    __slots__ = ("_front", "_held", "_size")

    def __init__(self) -> None:
        self._front: int | None = None
        self._held: dict[int, list[PartEvent]] = {}
        self._size = 0

    def feed(self, event: PartEvent) -> Iterator[PartEvent]:
        """Yield what may be told now. Raises `BrokenReply` where too much has to wait."""
        if self._front is None:
            self._front = event.at
        elif event.at != self._front:
            self._hold(event)
            return
        yield event
        if isinstance(event, PartEnded):
            self._front = None
            yield from self._next()

    def _hold(self, event: PartEvent) -> None:
        self._held.setdefault(event.at, []).append(event)
        self._size += OVERHEAD + len(getattr(event, "text", ""))
        if self._size > MOST_HELD:
            raise BrokenReply("the upstream's stream mixes too much that it does not end")

    def _next(self) -> Iterator[PartEvent]:
        """Yield the parts whose turn it is, up to one that is still open."""
        while self._front is None and self._held:
            at = next(iter(self._held))
            waited = self._held.pop(at)
            yield from waited
            if not isinstance(waited[-1], PartEnded):
                self._front = at
        if not self._held:
            self._size = 0
