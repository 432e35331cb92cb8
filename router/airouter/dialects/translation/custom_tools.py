"""Custom tools where a provider has only functions.

Renderers declare one as a function (`functions.py`). Here a call of it becomes what the client
declared, whole and in a stream.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Tool, ToolCall
from airouter.dialects.events import ArgumentsDelta, Broken, PartBegun, PartEnded
from airouter.dialects.functions import custom_input
from airouter.dialects.translation.parts import with_changed_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.dialects.conversation import Answer, Conversation, Part
    from airouter.dialects.events import Event


def custom_names(conversation: Conversation) -> frozenset[str]:
    """Return the names of a conversation's custom tools."""
    tools = conversation.tools
    return frozenset(tool.name for tool in tools if isinstance(tool, Tool) and tool.custom)


def unwrapped(answer: Answer, names: frozenset[str]) -> Answer:
    """Return a whole answer with its calls of custom tools."""
    if not names:
        return answer
    return with_changed_parts(answer, partial(unwrapped_part, names=names))


def unwrapped_part(part: Part, names: frozenset[str]) -> Part:
    """Return a part; a call of a custom tool with its input alone."""
    if not isinstance(part, ToolCall) or part.custom or part.name not in names:
        return part
    return msgspec.structs.replace(part, custom=True, arguments=custom_input(part.arguments))


class Unwrapper:
    """A stage that makes calls of custom tools; holds their arguments until they are whole."""

    __slots__ = ("_held", "_names")

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._held: dict[tuple[int, int], list[str]] = {}

    def feed(self, event: Event) -> Iterator[Event]:
        """Yield the events for one event."""
        match event:
            case PartBegun(part=ToolCall() as part) if not part.custom and part.name in self._names:
                self._held[event.choice, event.at] = []
                part = msgspec.structs.replace(part, custom=True)
                yield msgspec.structs.replace(event, part=part)
            case ArgumentsDelta() if (event.choice, event.at) in self._held:
                self._held[event.choice, event.at].append(event.text)
            case PartEnded() if (event.choice, event.at) in self._held:
                text = custom_input("".join(self._held.pop((event.choice, event.at))))
                yield ArgumentsDelta(at=event.at, text=text, choice=event.choice)
                yield event
            case Broken():
                for (choice, at), pieces in self._held.items():
                    text = custom_input("".join(pieces))
                    yield ArgumentsDelta(at=at, text=text, choice=choice)
                yield event
            case _:
                yield event
