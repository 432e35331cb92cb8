"""Streams that pass through, cut anywhere."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airouter.dialects.chat.errors import error_event
from airouter.dialects.chat.usage import TAIL, UsageHider, UsageReader, payload
from airouter.dialects.forwarding import EVENT_LIMIT
from airouter.failures import Failure
from airouter.interfaces import BrokenReply, EndedEarly

DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}

texts = st.text(max_size=20) | st.sampled_from(['"usage":{', "[DONE]", "\n\n", '{"choices":[]}'])
chunks = st.builds(
    lambda text, usage: {"choices": [{"delta": {"content": text}}], **usage},
    texts,
    st.sampled_from([{}, {"usage": None}, {"usage": USAGE}]),
)
line_ends = st.sampled_from([b"\n", b"\r\n", b"\r"])


def event(fields: Any, end: bytes = b"\n") -> bytes:
    return b"data: " + json.dumps(fields).encode() + 2 * end


def usage_event(end: bytes = b"\n") -> bytes:
    return event({"choices": [], "usage": USAGE}, end)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def through(kind: type[UsageHider | UsageReader], pieces: list[bytes]) -> tuple[bytes, int]:
    """What the client gets, and the prompt tokens that were read."""
    out: list[bytes] = []
    tap = kind(out.append)
    for piece in pieces:
        tap.feed(piece)
    usage = tap.finish()
    return b"".join(out), (usage.input_tokens or 0) if usage else 0


@given(st.lists(chunks, max_size=5), line_ends, st.lists(st.integers(0, 5000), max_size=6))
def test_only_the_usage_event_is_hidden_however_the_stream_is_cut(
    parts: list[Any], end: bytes, places: list[int]
) -> None:
    seen = b": comment" + 2 * end + b"".join(event(part, end) for part in parts)
    done = b"data: [DONE]" + 2 * end
    pieces = cut(seen + usage_event(end) + done, places)
    assert through(UsageHider, pieces) == (seen + done, 7)


@given(st.lists(chunks, max_size=5), line_ends, st.lists(st.integers(0, 5000), max_size=6))
def test_a_client_that_asked_for_usage_gets_every_byte(
    parts: list[Any], end: bytes, places: list[int]
) -> None:
    whole = b"".join(event(part, end) for part in parts) + usage_event(end)
    whole += b"data: [DONE]" + 2 * end
    assert through(UsageReader, cut(whole, places)) == (whole, 7)


@pytest.mark.parametrize("kind", [UsageHider, UsageReader])
def test_a_stream_cut_at_every_byte_is_the_same(kind: type[UsageHider | UsageReader]) -> None:
    whole = (
        event({"choices": [{"delta": {"content": "h\u00e9"}}]})
        + usage_event()
        + b"data: [DONE]\n\n"
    )
    expected = through(kind, [whole])
    for place in range(len(whole)):
        assert through(kind, [whole[:place], whole[place:]]) == expected


@pytest.mark.parametrize(
    "odd",
    [
        b'data: {"choices" : [ ], "usage" : { "prompt_tokens" : 7 } }\n\n',
        b'event: x\nid: 1\ndata: {"choices": [],\ndata: "usage": {"prompt_tokens": 7}}\n\n',
    ],
)
def test_the_usage_event_is_known_in_any_layout(odd: bytes) -> None:
    assert through(UsageHider, [odd, DONE]) == (DONE, 7)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("kind", [UsageHider, UsageReader])
def test_an_event_of_several_lines_passes_however_it_is_cut(
    kind: type[UsageHider | UsageReader], end: bytes
) -> None:
    lines = b"id: 1", b'data: {"choices":[{"delta":', b'data: {"content":"x"}}]}', b"", b""
    stream = end.join(lines) + b"data: [DONE]" + 2 * end
    for size in (1, 5, len(stream)):
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert through(kind, pieces) == (stream, 0)


def test_a_chunk_with_usage_and_choices_is_kept() -> None:
    both = event({"choices": [{"delta": {}}], "usage": USAGE})
    assert through(UsageHider, [both, DONE]) == (both + DONE, 7)


@pytest.mark.parametrize("kind", [UsageHider, UsageReader])
def test_the_usage_counts_where_it_stands_in_a_choice(kind: type[UsageHider | UsageReader]) -> None:
    choice = {"index": 0, "delta": {}, "finish_reason": "stop", "usage": USAGE}
    end = event({"id": "c", "choices": [choice]})
    assert through(kind, [end, DONE]) == (end + DONE, 7)


@pytest.mark.parametrize("choices", [{"choices": None}, {}])
def test_a_usage_event_is_hidden_whatever_it_has_for_choices(choices: Any) -> None:
    told = event({"id": "c", **choices, "usage": USAGE})
    assert through(UsageHider, [told, DONE]) == (DONE, 7)


def test_the_last_usage_counts() -> None:
    first = event({"choices": [], "usage": {"prompt_tokens": 1}})
    assert through(UsageHider, [first, usage_event(), DONE]) == (DONE, 7)
    assert through(UsageReader, [first, usage_event(), DONE])[1] == 7


@pytest.mark.parametrize("kind", [UsageHider, UsageReader])
@pytest.mark.parametrize("odd", [b": a comment\n\n", b"data: {}\n\n"])
def test_what_is_no_chunk_passes(kind: type[UsageHider | UsageReader], odd: bytes) -> None:
    assert through(kind, [odd, DONE]) == (odd + DONE, 0)


@pytest.mark.parametrize("kind", [UsageHider, UsageReader])
def test_of_comments_in_a_row_one_passes_and_of_empty_lines_none(
    kind: type[UsageHider | UsageReader],
) -> None:
    told = event({"id": "c", "choices": []})
    noise = b": 1\n\n: 2\n\n\n\n: 3\n\n"
    assert through(kind, [noise + told + noise, b"\n\n\n" + told + DONE]) == (
        b": 1\n\n" + told + b": 1\n\n" + told + DONE,
        0,
    )
    commented = b": a\n" + told
    assert through(kind, [told + commented + DONE]) == (told + commented + DONE, 0)


@pytest.mark.parametrize("kind", [UsageHider, UsageReader])
@pytest.mark.parametrize(
    "broken", [b'data: {"usage":{\n\n', b"data: \xff\n\n", b"data: x\n\n", b"data: {a}\n\n"]
)
def test_an_event_that_cannot_be_read_goes_no_further(
    kind: type[UsageHider | UsageReader], broken: bytes
) -> None:
    out: list[bytes] = []
    tap = kind(out.append)
    with pytest.raises(BrokenReply):
        tap.feed(event({"a": 1}) + event({"a": 2}) + broken + event({"a": 3}))
    assert b"".join(out) == event({"a": 1}) + event({"a": 2})


@pytest.mark.parametrize("kind", [UsageHider, UsageReader])
def test_a_stream_without_its_end_is_not_whole(kind: type[UsageHider | UsageReader]) -> None:
    with pytest.raises(BrokenReply):
        through(kind, [event({"choices": [{"delta": {"content": "x"}, "finish_reason": None}]})])


@pytest.mark.parametrize("kind", [UsageHider, UsageReader])
def test_a_stream_that_its_providers_error_ends_is_told_of_no_other(
    kind: type[UsageHider | UsageReader],
) -> None:
    error = {"error": {"message": "Busy."}}
    choice = {"delta": {"content": 'data: {"error": {'}, "finish_reason": None}
    said = event({"choices": [choice]})
    assert through(kind, [said, event(error)]) == (said + event(error), 0)
    with pytest.raises(BrokenReply):
        through(kind, [said])


@pytest.mark.parametrize("kind", [UsageHider, UsageReader])
@pytest.mark.parametrize("ends", [[], [b"", DONE], [DONE]])
@pytest.mark.parametrize(
    ("error", "told"),
    [
        ({"object": "error", "message": "Busy.", "code": 503}, "Busy."),
        ({"choices": [{"delta": {}, "finish_reason": "error"}]}, EndedEarly.told),
    ],
)
def test_a_stream_that_fails_by_what_no_sdk_sees_is_broken_before_the_mark_of_its_end(
    kind: type[UsageHider | UsageReader], error: Any, told: str, ends: list[bytes]
) -> None:
    said = event({"choices": [{"delta": {"content": '"finish_reason": "error"'}}]})
    failed, *done = ends or [b""]
    out: list[bytes] = []
    tap = kind(out.append)
    tap.feed(said)
    with pytest.raises(EndedEarly) as broken:
        feed_all(tap, [event(error) + failed, *done])
    assert broken.value.told == told
    assert not tap.is_whole()
    assert said in out
    assert DONE not in b"".join(out)
    assert through(kind, [said, DONE]) == (said + DONE, 0)


def feed_all(tap: UsageHider | UsageReader, pieces: list[bytes]) -> None:
    """Give a whole stream."""
    for piece in pieces:
        tap.feed(piece)
    tap.finish()


@pytest.mark.parametrize("kind", [UsageHider, UsageReader])
def test_a_stream_that_told_why_it_stops_gets_the_mark_that_it_lacks(
    kind: type[UsageHider | UsageReader],
) -> None:
    stop = event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    assert through(kind, [stop]) == (stop + DONE, 0)
    assert through(kind, [stop.rstrip()]) == (stop + DONE, 0)


@pytest.mark.parametrize("kind", [UsageHider, UsageReader])
def test_a_long_event_ends_a_stream_by_what_it_says_first(
    kind: type[UsageHider | UsageReader],
) -> None:
    long = {"error": {"message": "Busy", "metadata": {"raw": "x" * 10_000}}}
    assert through(kind, [event(long)]) == (event(long), 0)
    stop = event({"choices": [{"finish_reason": "stop", "delta": {"content": "x" * 10_000}}]})
    assert through(kind, [stop]) == (stop + DONE, 0)


def test_an_event_is_forwarded_when_it_is_whole() -> None:
    out: list[bytes] = []
    tap = UsageHider(out.append)
    tap.feed(event({"a": 1}) + b'data: {"b"')
    assert out == [event({"a": 1})]
    tap.feed(b": 2}\n\n")
    assert out[1] == b'data: {"b": 2}\n\n'


def test_an_endless_event_breaks_the_stream() -> None:
    tap = UsageHider(lambda _: None)
    piece = b"x" * 1_048_576
    for _ in range(EVENT_LIMIT // len(piece)):
        tap.feed(piece)
    with pytest.raises(BrokenReply):
        tap.feed(piece)


def test_only_the_end_of_a_stream_is_remembered() -> None:
    tap = UsageReader(lambda _: None)
    for _ in range(1000):
        tap.feed(event({"choices": [{"delta": {"content": "x" * 100}}]}))
    assert len(tap._tail.read()) < 2 * TAIL
    tap.feed(usage_event() + DONE)
    assert tap.finish() is not None


@pytest.mark.parametrize("kind", [UsageHider, UsageReader])
def test_a_stream_that_breaks_off_says_why(kind: type[UsageHider | UsageReader]) -> None:
    failure, first = Failure(502, "Gone"), event({"a": 1})
    written: list[bytes] = []
    tap = kind(written.append)
    tap.feed(first)
    tap.feed(b'data: {"ha')
    tap.break_off(failure)
    assert b"".join(written) == first + error_event(failure)


def test_the_data_lines_of_an_event_are_joined() -> None:
    assert payload(b"event: x\ndata: a\ndata:b\n: c\n\n") == b"a\nb"
