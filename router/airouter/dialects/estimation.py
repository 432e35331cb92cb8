"""Tokens as the router estimates them, where no provider has counted them.

A token is taken for four bytes of text. In a stream that passes through, text stands between much
framing, and reading every event for it would be too dear. So the end of the stream is a sample: the
share of text in it, or its framing, which is nearly the same in each event, tells of the rest.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

BYTES_PER_TOKEN = 4
"""Of English text, in the tokenizers of all big providers, about."""
MEDIA_TOKENS = 1_000
"""Of an image or a document inside a request, about."""
MEDIA_SIZE = 1_024
MEDIA = re.compile(rb"(?:data:[^,]{0,100},)?[A-Za-z0-9+/=_-]{%d}" % MEDIA_SIZE)
"""The begin of a string that is no text."""
MOST_PARTS = 20_000
"""Parts between quotes that are looked at: this is done between two turns of the event loop."""
EVENT_END = b"\n\n"
"""As nearly all providers write it."""


def tokens_in(size: int) -> int:
    """Return the tokens of so many bytes of text."""
    return -(-size // BYTES_PER_TOKEN)


def tokens_of_body(body: bytes) -> int:
    """Return the tokens of a request, whose media count by the piece."""
    if len(body) <= MEDIA_SIZE:
        return tokens_in(len(body))
    media = list(media_sizes(body))
    return tokens_in(len(body) - sum(media)) + MEDIA_TOKENS * len(media)


def tokens_of_prompt(body: bytes, said: str) -> int:
    """Return the tokens of a request with an answer that is gone on with, estimated."""
    return tokens_of_body(body) + tokens_in(len(said.encode()))


def media_sizes(body: bytes) -> Iterator[int]:
    """Yield the bytes of each medium in a request, as far as it is looked through."""
    at = 0
    for _ in range(MOST_PARTS):
        end = body.find(b'"', at)
        end = len(body) if end < 0 else end
        if end - at > MEDIA_SIZE and MEDIA.match(body, at, end):
            yield end - at
        if end == len(body):
            return
        at = end + 1


class TextMeter:
    """Measures the text in the events of one dialect."""

    def __init__(self, *names: str) -> None:
        """`names` are those of the fields that have text."""
        alternatives = "|".join(names).encode()
        self._texts = re.compile(rb'"(?:%b)"\s*:\s*"((?:[^"\\]++|\\.)*+)"' % alternatives)

    def tokens(self, pieces: Collection[bytes], before: int, received: int) -> int:
        """Return the tokens in a stream of `received` bytes.

        `pieces` are its last, with so many before them.
        """
        sample = b"".join(pieces)
        if not sample:
            return 0
        texts = self._texts.findall(sample)
        size = written = sum(map(len, texts))
        rest = received - len(sample)
        if rest > 0:
            by_share = written * rest / len(sample)
            by_framing = rest - before * (len(sample) - written) / len(pieces)
            # Nearest to the truth where each piece is an event, far from it where some are more.
            is_likely = 0.7 * by_share < by_framing < 1.4 * by_share
            is_likely = is_likely and sample.count(EVENT_END) == len(pieces)
            size += int(by_framing if is_likely else by_share)
        # As JSON writes it: the share of its escapes is known of the sample.
        return tokens_in(size * sum(map(unescaped_size, texts)) // max(written, 1))


def unescaped_size(text: bytes) -> int:
    """Return the bytes of a JSON string without its escapes, about."""
    escapes = text.count(b"\\")
    return len(text) - escapes - 3 * text.count(b"\\u") if escapes else len(text)
