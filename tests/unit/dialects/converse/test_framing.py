"""AWS event streams: frames from bytes in any cut, and none from bytes that are damaged."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airouter.dialects.converse.framing import EventStream
from airouter.dialects.framing import EVENT_LIMIT, Frame
from airouter.interfaces import BrokenReply
from unit.dialects.converse.asking import event, exception, framed, header

STREAM = event("messageStart", role="assistant") + event("contentBlockDelta", delta={"text": "hé"})
FRAMES = [
    Frame(b"messageStart", b'{"role":"assistant"}'),
    Frame(b"contentBlockDelta", '{"delta":{"text":"hé"}}'.encode()),
]


def test_an_event_is_named_by_its_header() -> None:
    assert EventStream().feed(STREAM) == FRAMES


def test_a_cut_anywhere_changes_nothing() -> None:
    for cut in range(len(STREAM) + 1):
        stream = EventStream()
        assert stream.feed(STREAM[:cut]) + stream.feed(STREAM[cut:]) == FRAMES, f"cut at {cut}"


def test_single_bytes_make_the_same_frames() -> None:
    stream = EventStream()
    frames = [frame for byte in STREAM for frame in stream.feed(bytes([byte]))]
    assert frames == FRAMES


def test_an_exception_is_told_from_an_event() -> None:
    (frame,) = EventStream().feed(exception("throttlingException", message="Slow down."))
    assert frame == Frame(b"exception:throttlingException", b'{"message":"Slow down."}')


def test_an_error_without_a_payload_says_what_its_header_says() -> None:
    headers = header(":message-type", "error") + header(":error-code", "InternalFailure")
    frame = framed(headers + header(":error-message", "Sorry."), b"")
    assert EventStream().feed(frame) == [
        Frame(b"exception:InternalFailure", b'{"message":"Sorry."}')
    ]


def test_a_large_frame_in_small_pieces_comes_whole() -> None:
    text = "x" * 1_000_000
    data = event("contentBlockDelta", delta={"text": text})
    stream = EventStream()
    frames = [
        frame for at in range(0, len(data), 1_000) for frame in stream.feed(data[at : at + 1_000])
    ]
    assert [len(frame.data) for frame in frames] == [len(text) + len('{"delta":{"text":""}}')]


@pytest.mark.parametrize("size", [0, 15, EVENT_LIMIT + 1, 2**32 - 1])
def test_a_length_that_cannot_be_breaks_the_stream_at_once(size: int) -> None:
    with pytest.raises(BrokenReply):
        EventStream().feed(struct.pack(">I", size))


@given(at=st.integers(4, len(STREAM) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_never_passes_for_content(at: int, bit: int) -> None:
    damaged = bytearray(STREAM)
    damaged[at] ^= 1 << bit
    try:
        frames = EventStream().feed(bytes(damaged))
    except BrokenReply:
        return
    assert frames == FRAMES[: len(frames)]
    assert len(frames) < len(FRAMES)


@given(headers=st.binary(max_size=60), payload=st.binary(max_size=20), claimed=st.integers(0, 90))
def test_nonsense_with_a_right_checksum_breaks_the_stream_and_nothing_else(
    headers: bytes, payload: bytes, claimed: int
) -> None:
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), claimed)
    frame = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    frame += struct.pack(">I", zlib.crc32(frame))
    try:
        frames = EventStream().feed(frame)
    except BrokenReply:
        return
    assert len(frames) == 1
