"""One tool call at a time, also from models that cannot be held to it: the first one counts.

A client that asks for this gets one call, gives its result, and the model calls again for whatever
it still wants. Clients' libraries ask for it where they want a structured answer from one tool.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import ToolCall
from airouter.dialects.events import (
    ArgumentsDelta,
    Cited,
    PartBegun,
    PartEnded,
    ReasoningDelta,
    RefusalDelta,
    Signed,
    TextDelta,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.dialects.conversation import Answer, Choice, Conversation, Part
    from airouter.dialects.events import Event

OF_A_PART = (
    ArgumentsDelta,
    Cited,
    PartBegun,
    PartEnded,
    ReasoningDelta,
    RefusalDelta,
    Signed,
    TextDelta,
)


def wants_one_call(conversation: Conversation) -> bool:
    """Return True where an answer may have but one call."""
    return conversation.parallel_tool_calls is False and bool(conversation.tools)


def with_one_call(answer: Answer) -> Answer:
    """Return a whole answer without the calls after the first."""
    choices = tuple(
        msgspec.structs.replace(choice, parts=tuple(first_call_of(choice)))
        for choice in answer.choices
    )
    return msgspec.structs.replace(answer, choices=choices)


def first_call_of(choice: Choice) -> Iterator[Part]:
    """Yield the parts, with no more than one call."""
    called = False
    for part in choice.parts:
        if not (called and isinstance(part, ToolCall)):
            yield part
        called = called or isinstance(part, ToolCall)


class OneCall:
    """A stage that leaves out all calls after the first; later parts move up."""

    __slots__ = ("_called", "_left_out", "_muted")

    def __init__(self) -> None:
        self._called: set[int] = set()
        """Choices with a call."""
        self._left_out: Counter[int] = Counter()
        """Parts of each choice that are left out."""
        self._muted: set[int] = set()
        """Choices in which the open call is left out."""

    def feed(self, event: Event) -> Iterator[Event]:
        """Yield the events for one event."""
        if not isinstance(event, OF_A_PART):
            yield event
            return
        choice = event.choice
        if isinstance(event, PartBegun) and isinstance(event.part, ToolCall):
            (self._muted if choice in self._called else self._called).add(choice)
        if choice not in self._muted:
            gap = self._left_out[choice]
            yield msgspec.structs.replace(event, at=event.at - gap) if gap else event
        elif isinstance(event, PartEnded):
            self._muted.remove(choice)
            self._left_out[choice] += 1
