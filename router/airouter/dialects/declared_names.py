"""Names of tools in a request that passes through, of which a provider may refuse some.

Such a request is translated, though both sides speak one dialect: so the names become others, and
those of the calls that come back the client's own. See `translation/tool_names.py`, and for
Responses `translation/responses_names.py`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from airouter.dialects.client_request import Fields

OWN = frozenset({"function", "custom"})
"""Types of tools that have a name of the client's choice; a tool of Claude's may have none."""


class NameHolder(msgspec.Struct, frozen=True):
    """A name in an object of its own."""

    name: str | None = None


class DeclaredTool(msgspec.Struct):
    """A tool of chat completions or messages, as much of it as its name."""

    type: str | None = None
    name: str | None = None
    function: NameHolder = NameHolder()
    custom: NameHolder = NameHolder()

    @property
    def names(self) -> tuple[str | None, ...]:
        """Return the name, in the place where each API has it."""
        if self.type is not None and self.type not in OWN:
            return ()
        return self.name, self.function.name, self.custom.name


_tools = msgspec.json.Decoder(list[DeclaredTool])


def unfit_names(*, longest: int) -> re.Pattern[bytes]:
    """Return a pattern for what may be a name of other characters than OpenAI and Claude take."""
    return re.compile(rb'"name"\s*:\s*"(?![a-zA-Z0-9_-]{1,%d}")' % longest)


def has_refused_name(fields: Fields, unfit: re.Pattern[bytes] | None) -> bool:
    """Return whether a tool has a name that its provider refuses.

    Most requests are cleared by a look at their bytes.
    """
    tools = fields.get("tools", fields.get("functions"))
    if unfit is None or tools is None or not unfit.search(tools):
        return False
    declared = decoded_or_none(_tools, tools) or ()
    names = (name for tool in declared for name in tool.names if name is not None)
    return any(is_refused_name(name, unfit) for name in names)


def is_refused_name(name: str, unfit: re.Pattern[bytes]) -> bool:
    """Return whether a name is one that is refused."""
    return unfit.match(b'"name":' + msgspec.json.encode(name)) is not None
