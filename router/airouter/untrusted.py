"""JSON that somebody else wrote, read by one rule.

A decoder refuses such JSON in three ways: for being malformed or of another shape, for not being
UTF-8, and for being nested deeper than the stack. A reader that forgets one of them fails with it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
WINDOW = 65_536
"""Bytes that are looked at by one call."""
BLOCK = 1_048_576
"""Bytes that are searched by one call."""
STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+("?)', re.DOTALL)
"""A string of JSON, also one that has no end here."""
REST_OF_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+("?)', re.DOTALL)
UP_TO_ESCAPE = re.compile(rb"(?:[^\\]++|\\u.{4}|\\[^u])*+", re.DOTALL)
"""Text without the half of an escape at its end."""
BRACKET = re.compile(rb"[\[\]{}]")
WHOLE = re.compile(rb"[\[{][^\[\]{}]*+[\]}]")
OPENING = (b"[", b"{")
OF_AN_OBJECT, OF_A_FIELD = 3, 2
"""Values that an object or an array counts for, and the name of a field, beside what is in them:
they take so much more. A decoder takes 35 ms for the most names, in a call that nothing interrupts.
"""
ESCAPE = b"\\u"
"""Begins what may be any character, in ASCII."""


def decoded(
    decoder: msgspec.json.Decoder[T],
    data: bytes | str | msgspec.Raw,
    error: type[Exception],
    message: str,
) -> T:
    """Return `data` decoded. Raises `error` with `message` for what cannot be read."""
    try:
        return decoder.decode(data)
    except UNREADABLE:
        raise error(message) from None


def decoded_or_none(decoder: msgspec.json.Decoder[T], data: bytes | str) -> T | None:
    """Return `data` decoded, or None for what cannot be read."""
    try:
        return decoder.decode(data)
    except UNREADABLE:
        return None


def has_more_than(body: bytes | bytearray, values: int, fields: int) -> bool:
    """Return whether a body of JSON has more values in it, or more fields at its top.

    Each costs many times its bytes once it is decoded. Commas, colons and brackets tell how many
    there are; no call takes more than a few milliseconds.
    """
    depth = 0
    for piece in without_strings(body):
        values -= piece.count(b",") + OF_A_FIELD * piece.count(b":")
        values -= OF_AN_OBJECT * sum(map(piece.count, OPENING))
        if values < 0:
            return True
        # What is whole and deeper is of no more use, and leaves little to walk through.
        rest = WHOLE.sub(b"", WHOLE.sub(b"", piece)) if depth else piece
        at = 0
        for bracket in BRACKET.finditer(rest):
            if depth == 1:
                fields -= rest.count(b",", at, bracket.start())
            depth += 1 if bracket[0] in OPENING else -1
            at = bracket.end()
        if depth == 1:
            fields -= rest.count(b",", at)
        if fields < 1:  # there is one more of them than of commas
            return True
    return False


def has_more_objects(data: bytes, most: int) -> bool:
    """Return whether JSON seems to have more objects; what looks like one in a string counts."""
    return len(data) > 2 * most and data.count(b"{") > most


def holds(body: bytes, word: bytes) -> bool:
    """Return whether a word stands in a body; the thread that asks gives way in between.

    Python's `in` takes four times as long.
    """
    if len(body) <= BLOCK:
        return body.find(word) >= 0
    more = len(word) - 1
    return any(body.find(word, at, at + BLOCK + more) >= 0 for at in range(0, len(body), BLOCK))


def pieces_of(body: bytes) -> Iterator[bytes]:
    """Yield a body of JSON piece by piece, none of which begins inside an escape."""
    at = 0
    while at < len(body):
        found = UP_TO_ESCAPE.match(body, at, at + WINDOW)
        end = len(body) if found is None or found.end() == at else found.end()
        yield body[at:end]
        at = end


def without_strings(body: bytes | bytearray) -> Iterator[bytes]:
    """Yield all of a body that does not stand in its strings, piece by piece."""
    return (each.plain for each in stretches(body) if not each.begins_inside)


def wide_text(body: bytes | bytearray) -> int:
    """Return the bytes of the strings that have characters beyond ASCII, by windows.

    Python takes up to four bytes for each character of such a string, however few are wide.
    """
    wide = string = 0
    is_wide = False
    for each in stretches(body):
        text = each.text
        if each.ends_inside and not each.begins_inside and widens(text):
            *_, last = STRING.finditer(text)  # alone goes on, and may be a file
            wide += last.start() if widens(text[: last.start()]) else 0
            text = last[0]
        string += len(text)
        is_wide = is_wide or widens(text)
        if not each.ends_inside:
            wide += string if is_wide else 0
            string, is_wide = 0, False
    return wide + (string if is_wide else 0)


def widens(text: bytes | bytearray) -> bool:
    """Return whether text of JSON has a character that is not ASCII, or an escape of any."""
    return not text.isascii() or text.find(ESCAPE) >= 0


class Stretch(NamedTuple):
    """A piece of a body of JSON: a rest of a string, or what has whole strings in it."""

    text: bytes | bytearray
    plain: bytes
    """What does not stand in strings."""
    begins_inside: bool
    """Whether it is, to its beginning or all of it, the rest of a string that began before."""
    ends_inside: bool
    """Whether the string at its end goes on after it."""


def stretches(body: bytes | bytearray) -> Iterator[Stretch]:
    """Yield a body piece by piece, up to where it makes no sense any more."""
    at = 0
    inside = False
    while at < len(body):
        if inside:
            rest = REST_OF_STRING.match(body, at, at + WINDOW)
            if rest is None or rest.end() == at:  # a backslash ends the body
                return
            inside, at = not rest[1], rest.end()
            yield Stretch(rest[0], b"", True, inside)
            continue
        text = body[at : at + WINDOW]
        plain, strings = STRING.subn(rb"\1", text)
        inside = plain.count(b'"') < strings
        at += WINDOW
        if inside and plain.endswith(b"\\"):  # and what it escapes is in the next window
            at -= 1
        yield Stretch(text, plain, False, inside)
