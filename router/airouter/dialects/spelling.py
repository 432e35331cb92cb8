r"""Words that are looked for as bytes, in JSON that may spell their letters as escapes.

JSON may write `a` as `\u0061` (RFC 8259, section 7). No library does so with letters, but whoever
wants a word to be overlooked.
"""

from __future__ import annotations

import re

from airouter.untrusted import WINDOW, holds, pieces_of

ANY_MARK = b"__airouter"
"""Begins what this router made, and clients carry."""
VALUES = (ANY_MARK, b'"item_reference"', b'"compaction_trigger"')
"""What says that a request has more in it than what the model is to answer."""
ESCAPE = re.compile(rb"\\u00(?:3[0-9]|[46][1-9a-fA-F]|5[0-9aAfF]|7[0-9aA])")
"""A letter, digit or underscore that need not be escaped."""
ESCAPED = re.compile(rb"(?<!\\)((?:\\\\)*)" + ESCAPE.pattern.replace(rb"\\u00(?:", rb"\\u00("))
SPELT_ID = rb'"(?:\\u0069(?:d|\\u0064)|i\\u0064)"'
"""The name of a field that every reference has, with an escape in it."""


def spelt(word: bytes) -> bytes:
    """Return a pattern for a word, each of its letters written out or escaped."""
    return b"".join(
        rb"(?:%b|\\u00%x[%x%X])" % (re.escape(b"%c" % each), each >> 4, each & 15, each & 15)
        for each in word
    )


SPELT = re.compile(b"|".join((*map(spelt, VALUES), SPELT_ID)))
LONGEST_SPELT = 6 * max(map(len, VALUES))


def with_words_bare(body: bytes) -> bytes:
    """Return JSON in which what is looked for has no escape."""
    if not holds(body, b"\\u00") or ESCAPE.search(body) is None or not is_spelt(body):
        return body
    return b"".join(map(with_letters_bare, pieces_of(body)))


def is_spelt(body: bytes) -> bool:
    """Return whether something that is looked for may stand in a body, be it with escapes."""
    return any(
        SPELT.search(body, at, at + WINDOW + LONGEST_SPELT) for at in range(0, len(body), WINDOW)
    )


def with_letters_bare(piece: bytes) -> bytes:
    """Return a piece of JSON in which no letter, digit or underscore is escaped."""
    if piece.find(b"\\u00") < 0:
        return piece
    return ESCAPED.sub(unescaped, piece)


def unescaped(found: re.Match[bytes]) -> bytes:
    """Return what `ESCAPED` found, with its character as it is."""
    return found[1] + bytes.fromhex(found[2].decode())
