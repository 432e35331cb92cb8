"""The line by which a coding agent of Anthropic's tells its own service who pays.

It stands in front of the instructions, as a block of its own. No other service makes anything of
it but a prompt that never comes from the cache, since it is another one in every request.
"""

from __future__ import annotations

import msgspec

from airouter.untrusted import decoded_or_none

MARK = "x-anthropic-billing-header:"


class SystemBlock(msgspec.Struct):
    """A block of the instructions."""

    text: str = ""


_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_blocks = msgspec.json.Decoder(list[msgspec.Raw])
_block = msgspec.json.Decoder(SystemBlock)


def is_billing(text: str) -> bool:
    """Return whether a block of the instructions is that line."""
    return text.startswith(MARK)


def without_billing(body: bytes) -> bytes:
    """Return a body for another service than Anthropic's."""
    if body.find(MARK.encode()) < 0:
        return body
    fields = _fields.decode(body)
    blocks = decoded_or_none(_blocks, fields.get("system", msgspec.Raw(b"")))
    if blocks is None:
        return body
    kept = [block for block in blocks if not is_billing(text_of(block))]
    if kept:
        fields["system"] = msgspec.Raw(msgspec.json.encode(kept))
    else:
        del fields["system"]
    return msgspec.json.encode(fields)


def text_of(block: msgspec.Raw) -> str:
    """Return the text of a block; empty for what is none."""
    found = decoded_or_none(_block, block)
    return "" if found is None else found.text
