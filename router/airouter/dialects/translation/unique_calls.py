"""Ids of calls, each of them once in an answer.

A client sends a result by the id of its call: where two calls have the same one, as some servers
write them, neither can be answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import ToolCall

if TYPE_CHECKING:
    from airouter.dialects.conversation import Answer, Part
    from airouter.dialects.events import PartBegun


class UniqueCalls:
    """The ids in one answer."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        """Calls that came with an id."""

    def begun(self, event: PartBegun) -> PartBegun:
        """Return the beginning of a part, with an id of its own."""
        part = self.part(event.part)
        return event if part is event.part else msgspec.structs.replace(event, part=part)

    def part(self, part: Part) -> Part:
        """Return a part, with an id of its own."""
        if not isinstance(part, ToolCall):
            return part
        id_, known = part.id, self._known
        count = known[id_] = known.get(id_, 0) + 1
        if count == 1:
            return part
        while (unique := f"{id_}_{count}") in known:
            count += 1
        known[unique] = 1
        return msgspec.structs.replace(part, id=unique)


def with_unique_calls(answer: Answer) -> Answer:
    """Return a whole answer in which no two calls have the same id."""
    ids = [part.id for each in answer.choices for part in each.parts if isinstance(part, ToolCall)]
    if len(set(ids)) == len(ids):
        return answer
    unique = UniqueCalls()
    choices = tuple(
        msgspec.structs.replace(choice, parts=tuple(map(unique.part, choice.parts)))
        for choice in answer.choices
    )
    return msgspec.structs.replace(answer, choices=choices)
