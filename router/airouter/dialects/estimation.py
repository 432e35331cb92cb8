"""Tokens as the router estimates them, where no provider has counted them.

A token is taken for four bytes of text. In a stream that passes through, text stands between much
framing, and reading every event for it would be too dear. But the framing of a provider's events is
nearly the same in each: the bytes of all events without as many framings are the text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BYTES_PER_TOKEN = 4
"""Of English text, in the tokenizers of all big providers, about."""
MEDIA_TOKENS = 1_000
"""Of an image or a document inside a request, about."""
MEDIA_SIZE = 1_024
MEDIA = re.compile(rb"(?:data:[^,]{0,100},)?[A-Za-z0-9+/=_-]{%d}" % MEDIA_SIZE)
"""The begin of a string that is no text."""
EVENT_END = b"\n\n"
"""As nearly all providers write it."""


def tokens_in(size: int) -> int:
    """Return the tokens of so many bytes of text."""
    return -(-size // BYTES_PER_TOKEN)


def tokens_of_body(body: bytes) -> int:
    """Return the tokens of a request, whose media count by the piece."""
    if len(body) <= MEDIA_SIZE:
        return tokens_in(len(body))
    media = [part for part in body.split(b'"') if len(part) > MEDIA_SIZE and MEDIA.match(part)]
    return tokens_in(len(body) - sum(map(len, media))) + MEDIA_TOKENS * len(media)


class TextMeter:
    """Measures the text in the events of one dialect."""

    def __init__(self, *names: str) -> None:
        """`names` are those of the fields that have text."""
        alternatives = "|".join(names).encode()
        self._texts = re.compile(rb'"(?:%b)"\s*:\s*"((?:[^"\\]|\\.)*+)"' % alternatives)

    def tokens(self, pieces: Sequence[bytes], before: int, received: int) -> int:
        """Return the tokens in a stream of `received` bytes.

        `pieces` are its last, with so many before them.
        """
        sample = b"".join(pieces)
        texts = self._texts.findall(sample)
        size = written = sum(map(len, texts))
        events = sample.count(EVENT_END)
        if len(sample) < received and events:
            rest = received - len(sample)
            earlier = self._earlier_events(rest, before, len(sample) / events, len(pieces) / events)
            framing = (len(sample) - written) / events
            size += max(0, int(rest - earlier * framing))
        # As JSON writes it: the share of its escapes is known of the sample.
        return tokens_in(size * sum(map(unescaped_size, texts)) // max(written, 1))

    @staticmethod
    def _earlier_events(rest: int, pieces: int, bytes_each: float, pieces_each: float) -> float:
        """Return how many events are in a number of bytes and pieces.

        By the pieces, which are of one event each in most streams; by the bytes, if those came in
        other pieces than the last.
        """
        by_pieces, by_size = pieces / pieces_each, rest / bytes_each
        return by_pieces if by_size < 2 * by_pieces < 4 * by_size else by_size


def unescaped_size(text: bytes) -> int:
    """Return the bytes of a JSON string without its escapes, about."""
    escapes = text.count(b"\\")
    return len(text) - escapes - 3 * text.count(b"\\u") if escapes else len(text)
