"""Undoing `content-encoding` of a provider that compresses although it was asked not to.

We ask for `identity`: a stream has to be forwarded as it comes, and usage has to be read from it.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from airouter.interfaces import BrokenReply

if TYPE_CHECKING:
    from collections.abc import Mapping

WINDOW_BITS = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}
MAX_RATIO = 200
"""Text never compresses better than this for long; a bomb does."""
SLACK = 1 << 20
MOST_MEMBERS = 16
"""Of a gzip body (RFC 1952, 2.2); what stands behind each is copied."""


class Decoder:
    """Inflates a body piece by piece. Raises `BrokenReply` for garbage and for bombs."""

    def __init__(self, encoding: bytes) -> None:
        self._window_bits = WINDOW_BITS[encoding]
        self._inflate = zlib.decompressobj(self._window_bits)
        self._members = 1
        self._taken = 0
        self._given = 0

    def decode(self, data: bytes) -> bytes:
        self._taken += len(data)
        plain = self._decode(data)
        while data := self._inflate.unused_data:
            self._members += 1
            if self._members > MOST_MEMBERS:
                raise BrokenReply("the upstream's compressed body has too many members")
            self._inflate = zlib.decompressobj(self._window_bits)
            plain += self._decode(data)
        return plain

    def _decode(self, data: bytes) -> bytes:
        room = self._taken * MAX_RATIO + SLACK - self._given
        try:
            plain = self._inflate.decompress(data, room)
        except zlib.error:
            raise BrokenReply("the upstream's compressed body cannot be read") from None
        if self._inflate.unconsumed_tail:
            raise BrokenReply("the upstream's compressed body is too large when read")
        self._given += len(plain)
        return plain

    @property
    def finished(self) -> bool:
        return self._inflate.eof


def decoder_for(headers: Mapping[bytes, bytes]) -> Decoder | None:
    """A decoder, or None for `identity`. Raises `BrokenReply` for a coding we cannot undo."""
    coding = headers.get(b"content-encoding", b"identity").strip().lower()
    if coding in {b"", b"identity"}:
        return None
    if coding not in WINDOW_BITS:
        raise BrokenReply(
            f"the upstream sent content-encoding {coding.decode('latin-1')!r} unasked"
        )
    return Decoder(coding)
