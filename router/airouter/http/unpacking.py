"""Bodies of requests that came in a `content-encoding` (RFC 9110, 8.4), unpacked piece by piece.

A caller takes as many pieces as it has room for and stops at its limit, so a bomb costs no more
than a body of that size. Each step of the work is short, whatever is in the body.
"""

from __future__ import annotations

import sys
import zlib
from typing import TYPE_CHECKING, Protocol

import brotli

from airouter.failures import Failure
from airouter.http.decoding import MOST_MEMBERS

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from airouter.interfaces import Headers

HEADER = b"content-encoding"
INPUT, OUTPUT = 16_384, 65_536
"""Bytes of a step: at most so many go into a decoder, and about so many come out."""
MOST_CODINGS = 4
"""In a row; nobody has a use for more than one."""
WINDOW_LOG = 23
"""8 MiB, the largest window of zstd that a receiver has to have (RFC 9659, 3)."""
ZLIB_METHOD = 8
RAW, ZLIB, GZIP = -15, 15, 31
"""Formats of zlib, as its `wbits`."""


class Decoder(Protocol):
    """A decoder of one coding. All three raise the errors of their library in `FAULTS`."""

    @property
    def finished(self) -> bool:
        """True once the data is whole."""
        ...

    @property
    def rest(self) -> bytes:
        """Data behind the end."""
        ...

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield what comes out of some data, at most about `OUTPUT` bytes at a time."""
        ...


class ZlibDecoder:
    """`gzip`, and `deflate`, which some send without zlib's frame (RFC 9110, 8.4.1.2)."""

    def __init__(self, format_: int | None = None) -> None:
        """`format_` is None for `deflate`: the first byte tells."""
        self._inflate = None if format_ is None else zlib.decompressobj(format_)

    @property
    def finished(self) -> bool:
        return self._inflate is not None and self._inflate.eof

    @property
    def rest(self) -> bytes:
        return b"" if self._inflate is None else self._inflate.unused_data

    def decode(self, data: bytes) -> Iterator[bytes]:
        if self._inflate is None:
            # In the first byte of a raw block these four bits stand for no kind that is in use.
            framed = data[0] & 15 == ZLIB_METHOD
            self._inflate = zlib.decompressobj(ZLIB if framed else RAW)
        while True:
            plain = self._inflate.decompress(data, OUTPUT)
            data = self._inflate.unconsumed_tail
            yield plain
            if self._inflate.eof or not (data or len(plain) == OUTPUT):
                return


class ZstdDecoder:
    """`zstd`, whose frames may be several (RFC 8878, 3)."""

    def __init__(self) -> None:
        bound: dict[int, int] = {zstd.DecompressionParameter.window_log_max: WINDOW_LOG}
        self._decompressor = zstd.ZstdDecompressor(options=bound)

    @property
    def finished(self) -> bool:
        return self._decompressor.eof

    @property
    def rest(self) -> bytes:
        return self._decompressor.unused_data

    def decode(self, data: bytes) -> Iterator[bytes]:
        yield self._decompressor.decompress(data, OUTPUT)
        while not (self._decompressor.eof or self._decompressor.needs_input):
            yield self._decompressor.decompress(b"", OUTPUT)


class BrotliDecoder:
    """`br` (RFC 7932)."""

    rest = b""

    def __init__(self) -> None:
        self._decompressor = brotli.Decompressor()

    @property
    def finished(self) -> bool:
        return bool(self._decompressor.is_finished())

    def decode(self, data: bytes) -> Iterator[bytes]:
        plain = data
        while plain and not self.finished:  # it does not say whether it has more to give
            plain = self._decompressor.process(data, output_buffer_limit=OUTPUT)
            data = b""
            yield plain


FAULTS = (zlib.error, zstd.ZstdError, brotli.error)
DECODERS: dict[str, Callable[[], Decoder]] = {
    "zstd": ZstdDecoder,
    "br": BrotliDecoder,
    "gzip": lambda: ZlibDecoder(GZIP),
    "x-gzip": lambda: ZlibDecoder(GZIP),
    "deflate": ZlibDecoder,
}
NAMED = "zstd, br, gzip, deflate"
SEVERAL = frozenset({"zstd", "gzip", "x-gzip"})
"""Codings whose data may be followed by more of the same."""


def codings_in(headers: Headers) -> list[str]:
    """Return what a body was encoded in, in that order, without `identity`.

    Raises `Failure` 415 for a coding that is not known, and for too many.
    """
    named = b",".join(value for name, value in headers if name == HEADER).decode("latin-1")
    codings = [each for part in named.split(",") if (each := part.strip().lower())]
    codings = [each for each in codings if each != "identity"]
    if len(codings) > MOST_CODINGS or not DECODERS.keys() >= set(codings):
        raise Failure(
            415,
            f"The request body has a content-encoding that is not known here. Known: {NAMED}, or "
            f"{MOST_CODINGS} of them in a row.",
            code="unsupported_encoding",
        )
    return codings


def unpacked(body: bytes, codings: list[str]) -> Iterator[bytes]:
    """Yield a body in pieces without its codings; a piece may be empty.

    Raises `Failure` 400 for data that is broken, cut, or followed by something else.
    """
    pieces: Iterable[bytes] = (body[at : at + INPUT] for at in range(0, len(body), INPUT))
    for coding in reversed(codings):
        pieces = without(coding, pieces)
    return iter(pieces)


def without(coding: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield pieces without one coding. Raises `Failure` 400."""
    decoder, members = DECODERS[coding](), 1
    try:
        for whole in pieces:
            yield b""  # between two steps, also where nothing comes out
            piece = whole
            while piece:
                if decoder.finished:
                    members += 1
                    if coding not in SEVERAL or members > MOST_MEMBERS:
                        raise unreadable(coding)
                    decoder = DECODERS[coding]()
                yield from decoder.decode(piece)
                piece = decoder.rest
    except FAULTS:
        raise unreadable(coding) from None
    if not decoder.finished:
        raise unreadable(coding)


def unreadable(coding: str) -> Failure:
    """A body that is not what its `content-encoding` says."""
    return Failure(400, f"The request body could not be read as {coding}.", code="invalid_encoding")
