"""Decoders for the `content-encoding` of a server that compresses although it was asked not to.

Every request asks for `identity`: a stream has to be forwarded as it comes, and usage has to be
read from it. `reply.py` decodes answers of providers, `upstream/fetching.py` what it fetches.
"""

from __future__ import annotations

import zlib
from math import inf
from typing import TYPE_CHECKING

from airouter.interfaces import BrokenReply

if TYPE_CHECKING:
    from collections.abc import Mapping

WINDOW_BITS = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}
MAX_RATIO = 200
"""Of a body's size decoded to that encoded: text never compresses better for long; a bomb does."""
SLACK = 1 << 20
"""Bytes that a body may decode to beyond that ratio: a short one may be all blanks."""
MOST_MEMBERS = 16
"""Of a gzip body (RFC 1952, 2.2); the rest of the data is copied for each."""


class ContentDecoder:
    """A decoder that inflates piece by piece. Raises `BrokenReply` for garbage and for bombs."""

    def __init__(self, encoding: bytes, limit: float = inf) -> None:
        """`limit` is in bytes of the decoded body."""
        self._window_bits = WINDOW_BITS[encoding]
        self._inflate = zlib.decompressobj(self._window_bits)
        self._limit = limit
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
        room = int(min(self._taken * MAX_RATIO + SLACK, self._limit)) - self._given
        try:
            plain = self._inflate.decompress(data, room + 1)  # 0 would mean all of it
        except zlib.error:
            raise BrokenReply("the upstream's compressed body cannot be read") from None
        if len(plain) > room:
            raise BrokenReply("the upstream's compressed body is too large when read")
        self._given += len(plain)
        return plain

    @property
    def finished(self) -> bool:
        return self._inflate.eof


def content_decoder(headers: Mapping[bytes, bytes], limit: float = inf) -> ContentDecoder | None:
    """Return a decoder, or None for `identity`. Raises `BrokenReply` for an unknown coding.

    `limit` is in bytes of the decoded body.
    """
    coding = headers.get(b"content-encoding", b"identity").strip().lower()
    if coding in {b"", b"identity"}:
        return None
    if coding not in WINDOW_BITS:
        raise BrokenReply(
            f"the upstream sent content-encoding {coding.decode('latin-1')!r} unasked"
        )
    return ContentDecoder(coding, limit)
