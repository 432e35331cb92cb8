"""Requests that pass through to a model that is too old for what they ask.

Clients ask for what the newest Claude has. Older ones have another word for much of it, which a
request that is rendered anew says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from airouter.dialects.claude.models import Traits
    from airouter.dialects.client_request import Fields

ADAPTIVE = frozenset({"adaptive", "between_tools"})
SYSTEM = re.compile(rb'"role"\s*:\s*"system"')
ABSENT = msgspec.Raw()


class AskedThinking(msgspec.Struct):
    """`thinking`, as much of it as models differ in."""

    type: str = ""


class AskedOutput(msgspec.Struct):
    """`output_config`, as much of it as models differ in."""

    effort: str | None = None


class Speaker(msgspec.Struct):
    """A message without its content."""

    role: str = ""


_thinking = msgspec.json.Decoder(AskedThinking)
_output = msgspec.json.Decoder(AskedOutput)
_speakers = msgspec.json.Decoder(list[Speaker])


def is_beyond(fields: Fields, traits: Traits) -> bool:
    """Return whether a model would refuse a request for what only newer ones know."""
    if not traits.known:
        return False
    if traits.budgets:
        thinking = decoded_or_none(_thinking, fields.get("thinking", ABSENT))
        if thinking is not None and thinking.type in ADAPTIVE:
            return True
    output = decoded_or_none(_output, fields.get("output_config", ABSENT))
    if output is not None and output.effort is not None and output.effort not in traits.efforts:
        return True
    return not traits.system_messages and has_system_turns(fields.get("messages", ABSENT))


def has_system_turns(messages: msgspec.Raw) -> bool:
    """Return whether instructions stand among messages. Most are cleared by a search."""
    if not SYSTEM.search(messages):
        return False
    speakers = decoded_or_none(_speakers, messages)
    return speakers is not None and any(speaker.role == "system" for speaker in speakers)
