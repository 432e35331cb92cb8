"""JSON that somebody else wrote, read by one rule.

A decoder refuses such JSON in three ways: for being malformed or of another shape, for not being
UTF-8, and for being nested deeper than the stack. A reader that forgets one of them fails with it.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


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
