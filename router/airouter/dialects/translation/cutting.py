"""The end of an answer that has become too long, as events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.events import Counted, Ended, PartEnded, Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.dialects.conversation import Usage
    from airouter.dialects.events import Event, PartBegun


def cut_events(open_part: PartBegun | None, usage: Usage) -> Iterator[Event]:
    """Yield what a provider would say that ends here, with the part that is open, if one is."""
    if open_part is not None:
        yield PartEnded(at=open_part.at, choice=open_part.choice)
    yield Stopped(stop="length", choice=0 if open_part is None else open_part.choice)
    yield Counted(usage=usage)
    yield Ended()
