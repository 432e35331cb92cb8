"""Items with sealed content: the reasoning of a model, and compacted conversations.

Dialects write what a provider wants back as a packed word (`dialects/provenance.py`); clients get
it sealed. What comes back is opened before a dialect sees it. A word that does not open, for
whatever reason, is nothing: reasoning goes on without it, a compaction cannot.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects import provenance
from airouter.dialects.responses.parse_items import COMPACTIONS
from airouter.dialects.spelling import ANY_MARK, with_words_bare
from airouter.responses.items import LIST, item_fields, joined_items, split_items

if TYPE_CHECKING:
    from airouter.sealing import Sealer

MARK = "__airouter2_"
"""Begins what is sealed here. What a router behind this one sealed begins so, too."""
REASONING, COMPACTION = "reasoning", "compaction"
PACKED = provenance.MARK.encode()
WRITTEN = re.compile(rb'"encrypted_content":"(' + PACKED + rb'[A-Za-z0-9_-]+)"')


class Compacted(msgspec.Struct):
    """The content of a compaction item."""

    items: msgspec.Raw
    """A list of items."""
    whole: bool = False
    """Whether it stands for everything before it, too."""


_compacted = msgspec.json.Decoder(Compacted)


class Seals:
    """The sealing of one tenant's turn: the same content gets the same word all along."""

    __slots__ = ("_known", "_sealer", "_tenant")

    def __init__(self, sealer: Sealer, tenant: str) -> None:
        self._sealer = sealer
        self._tenant = tenant
        self._known: dict[bytes, bytes] = {}

    def seal(self, data: bytes) -> bytes:
        """Seal all that is packed in a body, or in whole events."""
        if data.find(PACKED) < 0:
            return data
        return WRITTEN.sub(self._seal, data)

    def _seal(self, found: re.Match[bytes]) -> bytes:
        packed = found[1]
        word = self._known.get(packed)
        if word is None:
            sealed = MARK + self._sealer.seal(packed, REASONING, self._tenant)
            word = self._known[packed] = b'"encrypted_content":"%b"' % sealed.encode()
        return word

    def seal_compacted(self, compacted: Compacted) -> str:
        """Return the `encrypted_content` of a compaction."""
        plain = msgspec.json.encode(compacted)
        return MARK + self._sealer.seal(plain, COMPACTION, self._tenant)

    def open(self, inner: bytes) -> bytes:
        """Open a row of items for the dialects. Raises `Failure` 400."""
        inner = with_words_bare(inner)  # a conversation's items came by another way
        if inner.find(ANY_MARK) < 0:
            return inner
        opened: list[bytes] = []
        for number, item in enumerate(split_items(inner)):
            if ANY_MARK in bytes(item):
                self._open(item, f"input[{number}]", opened)
            else:
                opened.append(bytes(item))
        return joined_items(opened)

    def _open(self, item: msgspec.Raw, at: str, before: list[bytes]) -> None:
        """Append the content of an item to the items before it."""
        known = item_fields(item, at)
        word = known.encrypted_content or ""
        if word.startswith(provenance.MARK) and known.type == REASONING:
            return  # never sealed, so not of ours
        plain = None
        purpose = COMPACTION if known.type in COMPACTIONS else known.type
        if word.startswith(MARK) and purpose in (REASONING, COMPACTION):
            plain = self._sealer.open(word.removeprefix(MARK), purpose, self._tenant)
        if plain is None:  # for a router behind this one, or for nobody
            before.append(bytes(item))
        elif known.type == REASONING:
            before.append(with_content(item, plain.decode()))
        else:
            compacted = _compacted.decode(plain)
            if compacted.whole:
                before.clear()
            before.extend(bytes(each) for each in LIST.decode(compacted.items))


def with_content(item: msgspec.Raw, content: str) -> bytes:
    """Return a reasoning with the content that a dialect packed."""
    fields = msgspec.json.decode(item, type=dict[str, msgspec.Raw])
    fields["encrypted_content"] = msgspec.Raw(msgspec.json.encode(content))
    return msgspec.json.encode(fields)
