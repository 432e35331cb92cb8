"""Streams of Responses that pass through, cut anywhere."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airouter.dialects.responses.usage import UsageReader

LAST = (
    b"event: response.completed\n"
    b'data: {"type":"response.completed","response":{"usage":{"input_tokens":7,"output_tokens":5}}}'
)


def stream(end: bytes) -> bytes:
    first = b"event: response.created\ndata: {}".replace(b"\n", end)
    return first + 2 * end + b": ping" + 2 * end + LAST.replace(b"\n", end) + 2 * end


def through(pieces: list[bytes]) -> tuple[list[bytes], int | None]:
    """What the client gets, piece by piece, and the tokens of the prompt."""
    out: list[bytes] = []
    reader = UsageReader(out.append, None)
    for piece in pieces:
        reader.feed(piece)
    usage = reader.finish()
    return out, usage.input_tokens if usage else None


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@given(places=st.lists(st.integers(0, 500), max_size=12))
def test_whole_events_pass_however_they_are_cut(end: bytes, places: list[int]) -> None:
    whole = stream(end)
    edges = [0, *sorted(min(place, len(whole)) for place in places), len(whole)]
    out, tokens = through([whole[a:b] for a, b in pairwise(edges)])
    assert (b"".join(out), tokens) == (whole, 7)
    assert all(piece.endswith(2 * end) for piece in out)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_stream_cut_at_every_byte_passes_event_by_event(end: bytes) -> None:
    out, tokens = through([bytes([byte]) for byte in stream(end)])
    assert (len(out), tokens) == (3, 7)


def test_an_event_with_a_picture_in_it_costs_no_more_for_coming_in_many_pieces() -> None:
    picture = b'data: {"b64":"' + b"A" * 4_194_304 + b'"}\n\n'
    begun = time.process_time()
    pieces = [picture[at : at + 1_024] for at in range(0, len(picture), 1_024)]
    out: list[bytes] = []
    reader = UsageReader(out.append, None)
    for piece in pieces:
        reader.feed(piece)
    assert time.process_time() - begun < 2
    assert out == [picture]
