"""Server-sent events of upstreams, cut anywhere."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airouter.dialects.framing import (
    EVENT_LIMIT,
    LARGE,
    MOST_LAST,
    MOST_LINES,
    MOST_VALUES,
    Frame,
    ServerSentEvents,
    has_many_values,
    last_frames,
)
from airouter.interfaces import BrokenReply

line_ends = st.sampled_from([b"\n", b"\r\n", b"\r"])
lines = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1, max_size=12
).map(str.encode)
frames = st.builds(
    Frame,
    st.sampled_from([b"", b"message_start", b"error"]),
    st.lists(lines, min_size=1, max_size=3).map(b"\n".join),
)
comments = st.sampled_from([b"", b": keep-alive", b"id: 7", b"retry: 10", b"event: ping"])


def written(frame: Frame, end: bytes) -> bytes:
    name = [b"event: " + frame.name] if frame.name else []
    data = [b"data: " + line for line in frame.data.split(b"\n")]
    return b"".join(line + end for line in [*name, *data, b""])


def read(*pieces: bytes) -> list[Frame]:
    events = ServerSentEvents()
    return [frame for piece in pieces for frame in events.feed(piece)]


def cut(data: bytes, at: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(each % (len(data) + 1) for each in at)})
    return [data[start:stop] for start, stop in pairwise(edges)]


@given(st.lists(frames, max_size=5), line_ends, comments, st.lists(st.integers(min_value=0)))
def test_any_cut_gives_the_same_frames(
    sent: list[Frame], end: bytes, comment: bytes, at: list[int]
) -> None:
    stream = b"".join(comment + 2 * end + written(frame, end) for frame in sent)
    assert read(*cut(stream, at)) == sent
    assert read(*(stream[i : i + 1] for i in range(len(stream)))) == sent


@pytest.mark.parametrize(
    ("stream", "found"),
    [
        (b"data:a\n\n", [Frame(b"", b"a")]),
        (b"data:  a\n\n", [Frame(b"", b" a")]),
        (b"data:\n\n", [Frame(b"", b"")]),
        (b"\xef\xbb\xbfdata: a\n\n", [Frame(b"", b"a")]),
        (b"data: a\nevent: late\n\n", [Frame(b"late", b"a")]),
        (
            b"data: a\r\n\r\ndata: b\n\ndata: c\r\r",
            [Frame(b"", each) for each in (b"a", b"b", b"c")],
        ),
        (b"data: [DONE]\n\n", [Frame(b"", b"[DONE]")]),
        (b"database: a\n\n", []),
        (b"event: ping\n\n", []),
        (b": comment\n\n\n\n", []),
        (b"data: unfinished\n", []),
        (b'{\n "error": {}\n}\n\n', [Frame(b"", b'{\n "error": {}\n}')]),
    ],
)
def test_events_are_read_as_the_standard_says(stream: bytes, found: list[Frame]) -> None:
    assert read(stream) == found


@pytest.mark.parametrize(
    ("stream", "left"),
    [
        (b"data: a\n\n", []),
        (b"data: a\n\nevent: b\ndata: c", [Frame(b"b", b"c")]),
        (b"data: a\r\n", [Frame(b"", b"a")]),
        (b'data: a\n\n{"error": {}}\n', [Frame(b"", b'{"error": {}}')]),
        (b": a comment", []),
    ],
)
def test_what_is_left_at_the_end_is_an_event(stream: bytes, left: list[Frame]) -> None:
    framing = ServerSentEvents()
    framing.feed(stream)
    assert framing.rest() == left
    assert framing.rest() == []


def test_line_ends_that_only_unicode_knows_end_no_line() -> None:
    data = "a\u2028b\x0b\x0c\x1c\u0085c".encode()
    assert read(b"data: " + data + b"\n\n") == [Frame(b"", data)]


@pytest.mark.parametrize(
    "piece", [b"a" * 65_536, b"data: " + b"a" * 65_530, b"data: aa\n" * 400_000]
)
def test_an_event_that_never_ends_breaks_the_stream(piece: bytes) -> None:
    with pytest.raises(BrokenReply):
        read(*[piece] * (EVENT_LIMIT // len(piece) + 2))


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_an_event_of_very_many_lines_breaks_the_stream(end: bytes) -> None:
    assert read((b"data: a" + end) * (MOST_LINES // 2 - 1) + end)
    with pytest.raises(BrokenReply, match="lines"):
        read((b"data: a" + end) * (MOST_LINES + 2) + end)


def test_an_event_has_many_values_by_what_stands_outside_of_its_strings() -> None:
    values = b",".join([b"{}"] * (MOST_VALUES // 4 + 1))
    assert has_many_values(b'{"a":[%b]}' % values)
    assert not has_many_values(b'{"a":"%b"}' % values)
    assert not has_many_values(b'{"a":[%b]}' % values[:LARGE])


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_last_frames_of_a_stream_are_those_that_it_was_read_as(end: bytes) -> None:
    sent = [Frame(b"a", b"%d" % number) for number in range(MOST_LAST + 20)]
    stream = b"".join(b": comment" + 2 * end + written(frame, end) for frame in sent)
    assert list(last_frames(stream)) == sent[: -MOST_LAST - 1 : -1]
    assert list(last_frames(stream + b"data: b")) == [Frame(b"", b"b"), *sent[:-MOST_LAST:-1]]


def test_events_that_end_never_add_up_to_one_that_is_too_long() -> None:
    events, piece = ServerSentEvents(), b"data: " + b"a" * 1_000_000 + b"\n\n"
    assert sum(len(events.feed(piece)) for _ in range(2 * EVENT_LIMIT // len(piece))) > 30
