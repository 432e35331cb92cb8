"""Texts and messages without a word in a request that passes through, all of which Claude refuses.

This router itself answers with none where another model had nothing to say, clients keep the empty
texts of streams and of tools, and each comes back with every later turn of a session. The last
message stays: without it, Claude would go on with an answer that is over.

Source: the errors of Anthropic's API for blank text, cached blank text, and failed tools that say
nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.conversation import Json
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from airouter.dialects.client_request import Fields

BLANK = re.compile(rb'"(?:content|text)"\s*:\s*(?:\[\s*\]|"[ \\nrt]*+")')
"""May be of a message, or of a block in one, or of a tool's arguments, and a word of these letters.

To tell those apart here would take a hundred bytes of memory for each of a long text.
"""
FAILED = "The tool failed."
UNCACHED = frozenset({"thinking", "redacted_thinking"})
"""Blocks at which no prompt is cached."""

_list = msgspec.json.Decoder(list[msgspec.Raw])
_object = msgspec.json.Decoder(Json)
_blocks = msgspec.json.Decoder(list[Json])
_encoder = msgspec.json.Encoder()


def remove_blanks(fields: Fields) -> None:
    """Take blank text out of the messages and the instructions of a request."""
    if "messages" in fields:
        fields["messages"] = spoken_messages(fields["messages"])
    given = fields.get("system")
    if given is None or not BLANK.search(given):
        return
    blocks = decoded_or_none(_blocks, given)
    kept = None if blocks is None else spoken_blocks(blocks)
    if kept:
        fields["system"] = msgspec.Raw(_encoder.encode(kept))
    elif kept is not None:
        del fields["system"]


def spoken_messages(messages: msgspec.Raw) -> msgspec.Raw:
    """Return the messages that say something, and the last one; all where none is to go."""
    given = decoded_or_none(_list, messages)
    if not given:
        return messages
    kept = [spoken for message in given[:-1] if (spoken := spoken_message(message)) is not None]
    last = spoken_message(given[-1])
    kept.append(given[-1] if last is None else last)
    return messages if kept == given else msgspec.Raw(_encoder.encode(kept))


def spoken_message(message: msgspec.Raw) -> msgspec.Raw | None:
    """Return a message without blank text, to the byte where it has none; None if that is all."""
    found = decoded_or_none(_object, message) if BLANK.search(message) else None
    if found is None or "content" not in found:
        return message
    content = found["content"]
    if not isinstance(content, list):
        return None if is_blank(content) else message
    kept = spoken_blocks(content)
    if kept == content and content:
        return message
    return msgspec.Raw(_encoder.encode(found | {"content": kept})) if kept else None


def spoken_blocks(blocks: list[Any]) -> list[Any]:
    """Return blocks without blank text; the prompt is cached up to what is before it, if at all."""
    kept: list[Any] = []
    for block in blocks:
        if not isinstance(block, dict):
            kept.append(block)
        elif block.get("type") == "text" and is_blank(block.get("text")):
            keep_cache_point(kept, block.get("cache_control"))
        else:
            kept.append(spoken_result(block) if block.get("type") == "tool_result" else block)
    return kept


def keep_cache_point(kept: list[Any], point: Json | None) -> None:
    """Have the prompt cached up to the last of the blocks, which has no point of its own."""
    last = kept[-1] if kept else None
    if point and isinstance(last, dict) and last.get("type") not in UNCACHED:
        kept[-1] = {"cache_control": point} | last


def spoken_result(block: Json) -> Json:
    """Return the result of a tool without blank text; one of a failure says that much."""
    content = block.get("content")
    if isinstance(content, list):
        content = spoken_blocks(content)
    if content and not is_blank(content):
        return block | {"content": content}
    told = {"content": FAILED} if block.get("is_error") else {}
    return {key: value for key, value in block.items() if key != "content"} | told


def is_blank(text: object) -> bool:
    """Return whether a text, if it is one, has not a word."""
    return isinstance(text, str) and not text.strip()
