"""The calls of an answer that is translated, no two of them with one id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import ToolCall
from airouter.dialects.translation.parts import with_changed_parts
from airouter.dialects.unique_ids import UniqueIds

if TYPE_CHECKING:
    from airouter.dialects.conversation import Answer, Part
    from airouter.dialects.events import PartBegun


class UniqueCalls:
    """The calls in one answer."""

    __slots__ = ("_ids",)

    def __init__(self) -> None:
        self._ids = UniqueIds()

    def begun(self, event: PartBegun) -> PartBegun:
        """Return the beginning of a part, with an id of its own."""
        part = self.part(event.part)
        return event if part is event.part else msgspec.structs.replace(event, part=part)

    def part(self, part: Part) -> Part:
        """Return a part, with an id of its own."""
        if not isinstance(part, ToolCall):
            return part
        id_ = self._ids.unique(part.id)
        return part if id_ == part.id else msgspec.structs.replace(part, id=id_)


def with_unique_calls(answer: Answer) -> Answer:
    """Return a whole answer in which no two calls have the same id."""
    ids = [part.id for each in answer.choices for part in each.parts if isinstance(part, ToolCall)]
    if len(set(ids)) == len(ids):
        return answer
    return with_changed_parts(answer, UniqueCalls().part)
