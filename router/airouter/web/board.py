"""The page in parts, each with the moment at which it last changed.

A block is an element of the page and holds parts; a viewer that knows the board of some moment is
told the parts that changed since, and their order in a block that holds others now.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from airouter.eventloop.parts import in_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Render = Callable[[str, object], str]
    """Maps the name of a macro and its data to HTML."""


LONGEST_TICK = 12
"""Digits."""


class Audience(IntEnum):
    """Viewers, by what they may see."""

    STRANGER = 0
    """No name of what is configured."""
    NAMED = 1
    """Models and credentials: what `AIROUTER_HEALTH_NAMES` shows to everybody."""
    OWNER = 2
    """All: whoever has signed in with the master key."""


class PagePart(NamedTuple):
    """A row, a card, or another piece of a block."""

    id: str
    """Its `id` in the HTML."""
    macro: str
    facts: object
    """What it is made of; what compares equal looks the same."""
    make: Callable[[Any], object] | None = None
    """Returns what the macro gets, of facts that are new; without it that is the facts."""


@dataclass(frozen=True)
class PageBlock:
    """The parts of an element, as some audiences see it."""

    id: str
    audiences: frozenset[Audience]
    parts: list[PagePart]


class _DrawnPart(NamedTuple):
    facts: object
    data: object
    html: str
    changed: int


class _DrawnBlock(NamedTuple):
    source: list[PagePart]
    ids: list[str]
    parts: dict[str, _DrawnPart]
    changed: int


Key = tuple[str, Audience]


class Board:
    """The blocks of the page, drawn anew only where they changed."""

    def __init__(self, render: Render) -> None:
        self._name = secrets.token_hex(4)
        self._render = render
        self._blocks: dict[Key, _DrawnBlock] = {}
        self._changes: dict[tuple[Audience, int], bytes] = {}
        self.tick = 0
        """The moment of the last update: a whole number that grows."""

    async def update(self, blocks: Iterable[PageBlock], tick: int) -> None:
        """Take over what is to be shown from a tick on; it is drawn some parts at a time."""
        drawn: dict[Key, _DrawnBlock] = {}
        for block in blocks:
            former = self._blocks.get((block.id, min(block.audiences)))
            new = await self._draw(block, former, tick)
            drawn |= dict.fromkeys(((block.id, each) for each in block.audiences), new)
        self._blocks, self._changes, self.tick = drawn, {}, tick

    @property
    def mark(self) -> str:
        """The board as it is now: behind a Service a viewer may come to another replica with it."""
        return f"{self._name}-{self.tick}"

    def tick_of(self, mark: str) -> int:
        """Return the tick that a mark of this board stands for; 0 for any other."""
        name, _, tick = mark.partition("-")
        if name != self._name or not tick.isdecimal() or len(tick) > LONGEST_TICK:
            return 0
        return int(tick) if int(tick) <= self.tick else 0

    def html(self, block: str, audience: Audience) -> str:
        """Return the inside of a block; empty for one that an audience does not see."""
        found = self._blocks.get((block, audience))
        return "" if found is None else "".join(part.html for part in found.parts.values())

    def changes(self, audience: Audience, since: int) -> bytes:
        """Return what changed after a tick as JSON; empty for nothing.

        `orders` maps the ids of blocks that hold other parts now to the ids of those, `parts` the
        ids of parts to the elements themselves.
        """
        known = self._changes.get((audience, since))
        if known is None:
            known = self._changes[audience, since] = self._encode(audience, since)
        return known

    def _encode(self, audience: Audience, since: int) -> bytes:
        orders: dict[str, list[str]] = {}
        parts: dict[str, str] = {}
        for (id_, each), block in self._blocks.items():
            if each is not audience:
                continue
            if block.changed > since:
                orders[id_] = block.ids
            parts |= {key: part.html for key, part in block.parts.items() if part.changed > since}
        return msgspec.json.encode({"orders": orders, "parts": parts}) if orders or parts else b""

    async def _draw(self, block: PageBlock, former: _DrawnBlock | None, tick: int) -> _DrawnBlock:
        if former is not None and former.source is block.parts:
            return former  # of the view that it was drawn of
        known = {} if former is None else former.parts
        fresh = block.parts if former is None else differing(former.source, block.parts)
        changed: dict[str, _DrawnPart] = {}
        async for some in in_parts(fresh):
            for part in some:
                drawn = known.get(part.id)
                if drawn is None or drawn.facts != part.facts:
                    drawn = self._draw_part(part, drawn, tick)
                changed[part.id] = drawn
        ids = [part.id for part in block.parts]
        if former is not None and former.ids == ids:
            return _DrawnBlock(block.parts, former.ids, known | changed, former.changed)
        parts = {id_: changed.get(id_) or known[id_] for id_ in ids}
        return _DrawnBlock(block.parts, ids, parts, tick)

    def _draw_part(self, part: PagePart, former: _DrawnPart | None, tick: int) -> _DrawnPart:
        data = part.facts if part.make is None else part.make(part.facts)
        if former is not None and former.data == data:
            return former._replace(facts=part.facts)
        return _DrawnPart(part.facts, data, self._render(part.macro, data), tick)


def differing(former: Sequence[PagePart], parts: Sequence[PagePart]) -> Sequence[PagePart]:
    """Return the parts that are not the very ones that formerly stood at their places."""
    if len(former) != len(parts):
        return parts
    return [new for old, new in zip(former, parts, strict=True) if new is not old]
