"""Names of tools that a provider does not take: others on the way there, and back as they were.

Anthropic takes 128 characters, and agents that put the names of servers before those of tools use
them; nobody else takes more than 64. Google takes none that begins with a digit or a dash. A short
name is the same in every request, so that a history and the tools agree, and prompts stay in the
provider's cache.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import HostedTool, Tool, ToolCall
from airouter.dialects.events import PartBegun

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airouter.dialects.conversation import Answer, Conversation, Part, Turn
    from airouter.dialects.events import Event

LONGEST = 64
NOT_FIRST = frozenset("0123456789-")
DIGITS = 8
"""Digits of the hash at the end of a short name."""


def is_taken(name: str) -> bool:
    """Return whether every provider takes a name, as far as its length and beginning go."""
    return len(name) <= LONGEST and name[:1] not in NOT_FIRST


def short_name(name: str) -> str:
    """Return a name that fits: the same, where it does."""
    if is_taken(name):
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:DIGITS]
    begun = f"_{name}" if name[0] in NOT_FIRST else name
    return f"{begun[: LONGEST - DIGITS - 1]}_{digest}"


def long_names(conversation: Conversation) -> dict[str, str]:
    """Return the names of a conversation's tools that do not fit, by the short ones."""
    tools = conversation.tools
    names = (tool.name for tool in tools if isinstance(tool, Tool) and not is_taken(tool.name))
    return {short_name(name): name for name in names}


def with_short_names(conversation: Conversation) -> Conversation:
    """Return a conversation whose tools, calls and choice have names that fit."""
    choice = conversation.tool_choice
    if choice is not None and not all(map(is_taken, choice.names)):
        choice = msgspec.structs.replace(choice, names=tuple(map(short_name, choice.names)))
    return msgspec.structs.replace(
        conversation,
        turns=tuple(map(short_turn, conversation.turns)),
        tools=tuple(map(short_tool, conversation.tools)),
        tool_choice=choice,
    )


def short_turn(turn: Turn) -> Turn:
    """Return a turn whose calls have names that fit."""
    if not any(is_long(part) for part in turn.parts):
        return turn
    return msgspec.structs.replace(turn, parts=tuple(map(short_call, turn.parts)))


def is_long(part: Part) -> bool:
    """Return whether a part is a call of a name that does not fit."""
    return isinstance(part, ToolCall) and not is_taken(part.name)


def short_call(part: Part) -> Part:
    """Return a part; a call by a name that fits."""
    if not isinstance(part, ToolCall):
        return part
    return msgspec.structs.replace(part, name=short_name(part.name))


def short_tool(tool: Tool | HostedTool) -> Tool | HostedTool:
    """Return a tool; a function under a name that fits."""
    if isinstance(tool, HostedTool) or is_taken(tool.name):
        return tool
    return msgspec.structs.replace(tool, name=short_name(tool.name))


def with_long_names(answer: Answer, names: Mapping[str, str]) -> Answer:
    """Return a whole answer that calls tools as the client knows them."""
    if not names:
        return answer
    choices = tuple(
        msgspec.structs.replace(
            choice, parts=tuple(long_call(part, names) for part in choice.parts)
        )
        for choice in answer.choices
    )
    return msgspec.structs.replace(answer, choices=choices)


def long_call(part: Part, names: Mapping[str, str]) -> Part:
    """Return a part; a call by the name that the client knows."""
    if not isinstance(part, ToolCall) or part.name not in names:
        return part
    return msgspec.structs.replace(part, name=names[part.name])


class Lengthener:
    """A stage that makes calls by the names that the client knows."""

    __slots__ = ("_names",)

    def __init__(self, names: Mapping[str, str]) -> None:
        """Take the names by the short ones."""
        self._names = names

    def feed(self, event: Event) -> Iterator[Event]:
        """Yield one event for one."""
        if isinstance(event, PartBegun):
            event = msgspec.structs.replace(event, part=long_call(event.part, self._names))
        yield event
