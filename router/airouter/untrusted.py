"""JSON that somebody else wrote, read by one rule.

A decoder refuses such JSON in three ways: it is malformed or of another shape, it is not UTF-8, or it
is nested deeper than the stack. Each reader needs all three; it says here what they mean to it.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decoded(
    decoder: msgspec.json.Decoder[T], data: bytes | str, error: type[Exception], message: str
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
