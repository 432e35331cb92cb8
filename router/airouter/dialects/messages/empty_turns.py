"""Messages without content in a request that passes through, which Claude refuses in a history.

This router itself answers with none where another model had nothing to say, and clients send that
back. The last message stays: without it, Claude would go on with an answer that is over.
"""

from __future__ import annotations

import re

import msgspec

from airouter.untrusted import decoded_or_none

EMPTY = re.compile(rb'"content"\s*:\s*(?:\[\s*\]|"")')
"""May be of a message, or of a block in one."""
NOTHING: tuple[object, ...] = ([], "")


class Spoken(msgspec.Struct):
    """A message, as much of it as tells whether it says something."""

    content: object = None


_messages = msgspec.json.Decoder(list[msgspec.Raw])
_spoken = msgspec.json.Decoder(Spoken)


def without_empty_turns(messages: msgspec.Raw) -> msgspec.Raw:
    """Return the messages that say something, and the last one; all where none is to go."""
    given = decoded_or_none(_messages, messages)
    if not given:
        return messages
    kept = [*(message for message in given[:-1] if not is_empty(message)), given[-1]]
    return messages if len(kept) == len(given) else msgspec.Raw(msgspec.json.encode(kept))


def is_empty(message: msgspec.Raw) -> bool:
    """Return whether a message has content, and nothing in it."""
    if not EMPTY.search(message):
        return False
    spoken = decoded_or_none(_spoken, message)
    return spoken is not None and spoken.content in NOTHING
