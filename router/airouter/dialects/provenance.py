"""The makers of signatures, and a way for signatures through dialects without a field for them.

A provider takes back only what it signed itself, so each signature says its maker. Claude knows its
own reasoning wherever it runs; Gemini only what was made by the same model in the same project.

A client gets foreign reasoning as an opaque text (`pack_parts`) in a place that it returns
unchanged: in the id of a tool call for chat completions, in the signature of a thinking block for
messages. It is not secret: whoever asked may read the model's thoughts.
"""

from __future__ import annotations

import base64
import re
import zlib
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Reasoning, Signature, ToolCall
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence

MARK = "__airouter1_"
"""The beginning of a packed word, with its version; a word matches `[A-Za-z0-9_-]+`."""
PACKED = re.compile(MARK.encode() + rb"[A-Za-z0-9_-]*")
PACKED_LIMIT = 262_144
"""Characters of a packed word; a longer one is not made, and the reasoning stays behind."""
PLAIN_LIMIT = 4_194_304
"""Bytes in one word."""
REQUEST_LIMIT = 4 * PLAIN_LIMIT
"""Bytes in all the words of a request; what is beyond them is left out of it."""
CLAUDE = "claude"
CLAUDE_NAME = re.compile(r"claude-[a-z0-9-]*?(?=-20\d{6}|-v\d+(?::|$)|@|:|$)")

Packed = Reasoning | ToolCall

_decoder = msgspec.json.Decoder(list[Packed])
_encoder = msgspec.json.Encoder()


def maker_of(type_: str, credential: str, model: str) -> str:
    """Return the maker of a model's signatures; `type_` and `credential` say where it runs."""
    claude = CLAUDE_NAME.search(model.lower())
    if claude:
        return claude.group()
    return f"{type_}/{credential}/{model}"


def is_own(signature: Signature | None, maker: str) -> bool:
    """Return True where a maker takes a signature back. `claude` is a Claude of unknown version."""
    if signature is None:
        return False
    if signature.maker == maker:
        return True
    return CLAUDE in {signature.maker, maker} and both_claude(signature.maker, maker)


def is_of_claude(maker: str) -> bool:
    """Return True for a model of the Claude family."""
    return maker.startswith(CLAUDE)


def both_claude(one: str, other: str) -> bool:
    """Return True where two makers are models of the Claude family."""
    return is_of_claude(one) and is_of_claude(other)


def pack_parts(parts: Sequence[Packed]) -> str:
    """Return reasoning and signatures as one opaque word; empty for none or too much."""
    if not parts:
        return ""
    packed = base64.urlsafe_b64encode(zlib.compress(_encoder.encode(parts)))
    return MARK + packed.rstrip(b"=").decode() if len(packed) <= PACKED_LIMIT else ""


def id_before(text: str) -> str:
    """Return the text before a packed word."""
    return text.partition(MARK)[0]


class Unpacker:
    """Unpacks the words of one request, until there is too much in them: some may be bombs."""

    __slots__ = ("_room",)

    def __init__(self) -> None:
        self._room = REQUEST_LIMIT

    def parts(self, text: str) -> tuple[str, list[Packed]]:
        """Return the text before a word, and the parts in the word: none for a damaged one."""
        before, mark, packed = text.partition(MARK)
        if not mark or len(packed) > PACKED_LIMIT or not self._room:
            return before, []
        try:
            data = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
            plain = zlib.decompressobj().decompress(data, min(PLAIN_LIMIT, self._room))
        except (ValueError, zlib.error):
            return before, []
        self._room -= len(plain)
        return before, decoded_or_none(_decoder, plain) or []


def without_packed(body: bytes) -> bytes:
    """Return a body without packed words, for a provider that does not know them."""
    return PACKED.sub(b"", body)
