"""Compressed bodies of providers that were asked not to compress."""

from __future__ import annotations

import gzip
import zlib

import pytest

from airouter.http.decoding import SLACK, ContentDecoder, content_decoder
from airouter.interfaces import BrokenReply


@pytest.mark.parametrize(
    ("coding", "compress"),
    [(b"gzip", gzip.compress), (b"GZIP ", gzip.compress), (b"deflate", zlib.compress)],
)
def test_a_body_is_decoded_however_it_is_cut(coding: bytes, compress: object) -> None:
    plain = b"some text, " * 1000
    packed = compress(plain)  # type: ignore[operator]
    decoder = content_decoder({b"content-encoding": coding})
    assert decoder is not None
    assert b"".join(decoder.decode(packed[i : i + 1]) for i in range(len(packed))) == plain
    assert decoder.finished


@pytest.mark.parametrize("headers", [{}, {b"content-encoding": b"identity"}])
def test_nothing_is_to_be_done_for_identity(headers: dict[bytes, bytes]) -> None:
    assert content_decoder(headers) is None


def test_a_coding_that_nobody_asked_for_is_an_error() -> None:
    with pytest.raises(BrokenReply, match="'br' unasked"):
        content_decoder({b"content-encoding": b"br"})


def test_garbage_is_an_error() -> None:
    decoder = content_decoder({b"content-encoding": b"gzip"})
    assert decoder is not None
    with pytest.raises(BrokenReply, match="cannot be read"):
        decoder.decode(b"this is not gzip")


def test_a_bomb_is_an_error_before_it_fills_the_memory() -> None:
    decoder = content_decoder({b"content-encoding": b"gzip"})
    assert decoder is not None
    with pytest.raises(BrokenReply, match="too large"):
        decoder.decode(gzip.compress(bytes(64 * SLACK)))


def test_nothing_is_inflated_beyond_the_limit() -> None:
    decoder = ContentDecoder(b"gzip", limit=1000)
    assert decoder.decode(gzip.compress(bytes(900))) == bytes(900)
    with pytest.raises(BrokenReply, match="too large"):
        decoder.decode(gzip.compress(bytes(101)))


def test_a_body_that_fills_its_bound_ends_there() -> None:
    first, bomb = gzip.compress(bytes(1000)), gzip.compress(bytes(64 * SLACK))
    with pytest.raises(BrokenReply, match="too large"):
        ContentDecoder(b"gzip", limit=1000).decode(first + bomb)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_gzip_may_have_several_members(size: int) -> None:
    data = gzip.compress(b"one ") + gzip.compress(b"and ") + gzip.compress(b"two")
    decoder = ContentDecoder(b"gzip")
    plain = b"".join(decoder.decode(data[i : i + size]) for i in range(0, len(data), size))
    assert plain == b"one and two"
    assert decoder.finished


def test_a_body_of_endless_members_is_an_error() -> None:
    with pytest.raises(BrokenReply, match="members"):
        ContentDecoder(b"gzip").decode(gzip.compress(b"") * 1000)
