"""Names of tools that a provider does not take: others on the way there, and back as they were.

Agents put the names of servers before those of tools, with whatever stands between, and MCP allows
dots and slashes. Anthropic takes 128 characters, nobody else more than 64; Google takes dots and
colons, and no name that begins with a digit or a dash. The other name is one that everybody takes,
and the same in every request, so that a history and the tools agree, prompts stay in the provider's
cache, and an answer that one provider began can be ended by another.
"""

from __future__ import annotations

import hashlib
import re
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import HostedTool, Tool, ToolCall
from airouter.dialects.dialect import COMMON_NAME
from airouter.dialects.events import PartBegun
from airouter.dialects.translation.parts import with_changed_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airouter.dialects.conversation import Answer, Conversation, Part, Turn
    from airouter.dialects.events import Event

LONGEST = 64
UNFIT = re.compile(r"[^a-zA-Z0-9_-]|^(?=[0-9-]|$)")
"""What an underscore stands for, also before a beginning that is none, or before nothing."""
DIGITS = 8
"""Digits of the hash at the end of another name."""


def fitting_name(name: str) -> str:
    """Return a name that every provider takes: the same, where it is one."""
    if COMMON_NAME.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:DIGITS]
    return f"{UNFIT.sub('_', name)[: LONGEST - DIGITS - 1]}_{digest}"


def own_names(conversation: Conversation) -> dict[str, str]:
    """Return the names of a conversation's tools that some provider refuses, by the other ones."""
    names = (tool.name for tool in conversation.tools if isinstance(tool, Tool))
    return {fitting_name(name): name for name in names if not COMMON_NAME.fullmatch(name)}


def with_fitting_names(
    conversation: Conversation, taken: re.Pattern[str] = COMMON_NAME
) -> Conversation:
    """Return a conversation whose tools, calls and choice have names that are `taken`."""
    fitter = Fitter(taken)
    choice = conversation.tool_choice
    if choice is not None and choice.names:
        choice = msgspec.structs.replace(choice, names=tuple(map(fitter.name, choice.names)))
    return msgspec.structs.replace(
        conversation,
        turns=tuple(map(fitter.turn, conversation.turns)),
        tools=tuple(map(fitter.tool, conversation.tools)),
        tool_choice=choice,
    )


class Fitter:
    """Gives other names to whatever has none that is `taken`."""

    __slots__ = ("_taken",)

    def __init__(self, taken: re.Pattern[str]) -> None:
        self._taken = taken

    def name(self, name: str) -> str:
        """Return a name that is taken: the same, where it is one."""
        return name if self._taken.fullmatch(name) else fitting_name(name)

    def turn(self, turn: Turn) -> Turn:
        """Return a turn whose calls have names that are taken."""
        if not any(self._is_unfit(part) for part in turn.parts):
            return turn
        return msgspec.structs.replace(turn, parts=tuple(map(self._part, turn.parts)))

    def tool(self, tool: Tool | HostedTool) -> Tool | HostedTool:
        """Return a tool; a function under a name that is taken."""
        if isinstance(tool, HostedTool) or self._taken.fullmatch(tool.name):
            return tool
        return msgspec.structs.replace(tool, name=fitting_name(tool.name))

    def _is_unfit(self, part: Part) -> bool:
        return isinstance(part, ToolCall) and not self._taken.fullmatch(part.name)

    def _part(self, part: Part) -> Part:
        if not isinstance(part, ToolCall):
            return part
        return msgspec.structs.replace(part, name=self.name(part.name))


def with_own_names(answer: Answer, names: Mapping[str, str]) -> Answer:
    """Return a whole answer that calls tools as the client knows them."""
    if not names:
        return answer
    return with_changed_parts(answer, partial(renamed_part, names=names))


def renamed_part(part: Part, names: Mapping[str, str]) -> Part:
    """Return a part; a call by the name that the client knows."""
    if not isinstance(part, ToolCall) or part.name not in names:
        return part
    return msgspec.structs.replace(part, name=names[part.name])


class NameRestorer:
    """A stage that makes calls by the names that the client knows."""

    __slots__ = ("_names",)

    def __init__(self, names: Mapping[str, str]) -> None:
        """Take the names by those that providers know."""
        self._names = names

    def feed(self, event: Event) -> Iterator[Event]:
        """Yield one event for one."""
        if isinstance(event, PartBegun):
            event = msgspec.structs.replace(event, part=renamed_part(event.part, self._names))
        yield event
