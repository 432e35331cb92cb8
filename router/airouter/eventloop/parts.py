"""Many small things, a part of them in each turn of the event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

T = TypeVar("T")

AT_ONCE = 64
"""Things whose part takes some milliseconds at most."""


async def in_parts(things: Sequence[T], at_once: int = AT_ONCE) -> AsyncIterator[Sequence[T]]:
    """Yield things in parts, each in a turn of the event loop of its own."""
    for at in range(0, len(things), at_once):
        yield things[at : at + at_once]
        await asyncio.sleep(0)
