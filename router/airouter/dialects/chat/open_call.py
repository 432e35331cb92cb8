"""A call as it grows in a stream: its name, which few servers tell in pieces, and its arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.parse_response import call_of, name_of
from airouter.dialects.chat.pieced_arguments import PiecedArguments

if TYPE_CHECKING:
    from airouter.dialects.chat.completion import WireCall
    from airouter.dialects.conversation import ToolCall


class OpenCall:
    """A call as it grows."""

    __slots__ = ("arguments", "at", "ended", "name", "told", "wire")

    def __init__(self, wire: WireCall, at: int) -> None:
        self.wire = wire
        self.name = name_of(wire)
        self.at = at
        self.arguments = PiecedArguments()
        self.told = False
        """Whether its name was told, so that nothing can be added to it."""
        self.ended = False

    @property
    def begun(self) -> ToolCall:
        """The call without its arguments."""
        return msgspec.structs.replace(call_of(self.wire), name=self.name, arguments="")

    @property
    def is_whole(self) -> bool:
        """True where nothing can be added; of the text for a custom tool, nobody knows."""
        return self.wire.custom is None and self.arguments.are_whole()
