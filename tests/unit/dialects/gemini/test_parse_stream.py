"""Gemini's stream: each piece is a whole answer, and nothing says that it was the last."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airouter.dialects.assembly import Assembly
from airouter.dialects.conversation import Answer, Destination, Json, Text, ToolCall, Usage
from airouter.dialects.events import (
    ArgumentsDelta,
    Begun,
    Broken,
    Cited,
    Counted,
    Ended,
    Event,
    PartBegun,
    PartEnded,
    Signed,
    Stopped,
    TextDelta,
)
from airouter.dialects.framing import Frame
from airouter.dialects.gemini import UPSTREAM
from unit.dialects.gemini.asking import FLASH, HERE, answer_to, own, response

SIGNATURE = {"thoughtSignature": "c2lnbmVk"}
COUNTS = {"promptTokenCount": 9, "candidatesTokenCount": 5, "thoughtsTokenCount": 3}
THOUGHT = "Wie ist das Wetter in Zürich? ☀"
SAID = "Es regnet in Zürich, 東京 🌧."
CALLS: list[Json] = [
    {"functionCall": {"name": "weather", "args": {"city": "Zürich"}}, **SIGNATURE},
    {"functionCall": {"name": "weather", "args": {"city": "東京"}}},
]
SUPPORT = {
    "segment": {"startIndex": 10, "endIndex": 12, "text": "in"},
    "groundingChunkIndices": [0],
}
GROUNDED: Json = {
    "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
    "groundingSupports": [SUPPORT],
}


def piece(*parts: Json, usage: Json | None = None, **candidate: Any) -> Json:
    given: Json = {"content": {"role": "model", "parts": list(parts)}, **candidate}
    counted = {} if usage is None else {"usageMetadata": usage}
    return {"candidates": [given], "modelVersion": FLASH, "responseId": "r1"} | counted


PIECES = [
    piece({"text": THOUGHT[:5], "thought": True}, usage={"promptTokenCount": 9}),
    piece({"text": THOUGHT[5:], "thought": True}),
    piece({"text": SAID[:14]}),
    piece({"text": SAID[14:]}, usage={"promptTokenCount": 9, "candidatesTokenCount": 3}),
    piece(*CALLS),
    piece({"text": SAID[:4]}),
    piece({"text": "", **SIGNATURE}, usage=COUNTS, finishReason="STOP"),
]
WHOLE = response(
    {"text": THOUGHT, "thought": True},
    {"text": SAID},
    *CALLS,
    {"text": SAID[:4]},
    {"text": "", **SIGNATURE},
) | {"usageMetadata": COUNTS}


def sse(pieces: Iterable[Json], end: bytes = b"\r\n\r\n") -> bytes:
    return b"".join(b"data: " + msgspec.json.encode(each) + end for each in pieces)


def events_of(data: Iterable[bytes]) -> list[Event]:
    framing = UPSTREAM.framing()
    parser = UPSTREAM.stream_parser(Destination(model=FLASH, maker=HERE))
    found = [event for each in data for frame in framing.feed(each) for event in parser.feed(frame)]
    return [*found, *parser.finish()]


def heard(*pieces: Json) -> list[Event]:
    return events_of([sse(pieces)])


def assembled(events: Iterable[Event]) -> Answer:
    assembly = Assembly()
    for event in events:
        assembly.feed(event)
    assert assembly.failure is None
    return assembly.answer()


STREAM = sse(PIECES)
EVENTS = events_of([STREAM])


def test_a_stream_makes_the_answer_that_would_have_come_whole() -> None:
    answer = assembled(EVENTS)
    assert answer == answer_to(WHOLE)
    assert [type(part).__name__ for part in answer.choices[0].parts] == [
        "Reasoning",
        "Text",
        "ToolCall",
        "ToolCall",
        "Text",
        "Text",
    ]


def test_a_stream_cut_at_every_byte_is_the_same() -> None:
    assert events_of(bytes([byte]) for byte in STREAM) == EVENTS
    for place in range(len(STREAM)):
        assert events_of([STREAM[:place], STREAM[place:]]) == EVENTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_a_stream_cut_anywhere_is_the_same(places: list[int]) -> None:
    edges = [0, *sorted(places), len(STREAM)]
    assert events_of(STREAM[a:b] for a, b in pairwise(edges)) == EVENTS


texts = st.text(st.characters(codec="utf-8"), max_size=6)
parts_ = st.one_of(
    st.builds(lambda text: {"text": text}, texts),
    st.builds(lambda text: {"text": text, "thought": True}, texts),
    st.builds(lambda text: {"text": text, **SIGNATURE}, texts),
    st.builds(lambda name: {"functionCall": {"name": name, "args": {"a": 1}}}, texts),
    st.just({"inlineData": {"mimeType": "image/png", "data": "aGk="}}),
    st.just({"executableCode": {"language": "PYTHON", "code": "1"}}),
    st.just({}),
)


@given(st.lists(st.lists(parts_, max_size=3), max_size=6))
def test_it_does_not_matter_where_google_cuts_an_answer(pieces: list[list[Json]]) -> None:
    last = piece(usage=COUNTS, finishReason="STOP")
    streamed = assembled(heard(*(piece(*parts) for parts in pieces), last))
    whole = response(*(part for parts in pieces for part in parts)) | {"usageMetadata": COUNTS}
    assert streamed == answer_to(whole)


@given(st.lists(st.lists(parts_, max_size=3), max_size=6))
def test_every_part_begins_and_ends_before_the_next(pieces: list[list[Json]]) -> None:
    open_, count = False, 0
    for event in heard(*(piece(*parts) for parts in pieces), piece(finishReason="STOP")):
        match event:
            case PartBegun(at=at):
                assert not open_
                assert at == count
                open_, count = True, count + 1
            case PartEnded(at=at):
                assert open_
                assert at == count - 1
                open_ = False
            case Begun() | Stopped() | Ended():
                assert not open_
            case TextDelta(at=at) | ArgumentsDelta(at=at) | Signed(at=at):
                assert open_
                assert at == count - 1


def test_text_is_told_as_it_comes() -> None:
    first, second = piece({"text": "Hel"}), piece({"text": "lo"}, finishReason="STOP", usage=COUNTS)
    assert heard(first, second) == [
        Begun(id="r1", model=FLASH),
        PartBegun(at=0, part=Text(text="")),
        TextDelta(at=0, text="Hel"),
        TextDelta(at=0, text="lo"),
        PartEnded(at=0),
        Stopped(stop="end"),
        Counted(usage=Usage(input_tokens=9, output_tokens=8, reasoning_tokens=3)),
        Ended(),
    ]


def test_a_call_comes_with_its_signature_at_once() -> None:
    _, begun, arguments, ended, stopped, _ = heard(piece(CALLS[0], finishReason="STOP"))
    assert isinstance(begun, PartBegun)
    assert isinstance(begun.part, ToolCall)
    assert begun.part.signature == own()
    assert arguments == ArgumentsDelta(at=0, text='{"city":"Zürich"}')
    assert ended == PartEnded(at=0)
    assert stopped == Stopped(stop="tool_calls")


def test_sources_in_the_last_piece_are_counted_over_the_whole_text() -> None:
    last = piece({"text": "", **SIGNATURE}, finishReason="STOP", groundingMetadata=GROUNDED)
    events = heard(piece({"text": "Es regnet "}), piece({"text": "in Zürich."}), last)
    (cited,) = [event for event in events if isinstance(event, Cited)]
    assert (cited.at, cited.citation.start, cited.citation.end) == (0, 10, 12)
    first, second = assembled(events).choices[0].parts
    assert isinstance(first, Text)
    assert (len(first.citations), second) == (1, Text(text="", signature=own()))


def test_answers_to_choose_from_come_side_by_side() -> None:
    events = heard(
        piece({"text": "A1"}, index=0),
        piece({"text": "B1"}, index=1),
        piece({"text": "A2"}, index=0, finishReason="STOP"),
        piece({"text": "B2"}, index=1, finishReason="MAX_TOKENS"),
    )
    first, second = assembled(events).choices
    assert (first.parts, first.stop) == ((Text(text="A1A2"),), "end")
    assert (second.parts, second.stop) == ((Text(text="B1B2"),), "length")


def test_an_answer_that_goes_on_after_google_ran_code_stops_once_and_at_its_end() -> None:
    """A recorded stream: the piece with the code says STOP, and the words come after it."""
    code = {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)"}}
    ran = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "42\n"}}
    pieces = [
        piece(code, finishReason="STOP"),
        piece(ran),
        piece({"text": "It is "}),
        piece({"text": "42."}, finishReason="STOP"),
    ]
    events = heard(*pieces)
    assert [type(event) for event in events[-3:]] == [PartEnded, Stopped, Ended]
    assert [event for event in events if isinstance(event, Stopped)] == [Stopped(stop="end")]


def test_a_stream_in_which_one_answer_does_not_end_is_broken() -> None:
    events = heard(piece({"text": "A"}, finishReason="STOP"), piece({"text": "B"}, index=1))
    assert isinstance(events[-1], Broken)


@pytest.mark.parametrize("count", range(len(PIECES)))
def test_a_stream_that_ends_early_is_broken(count: int) -> None:
    *_, last = heard(*PIECES[:count])
    assert isinstance(last, Broken)
    assert (last.failure.status, last.failure.code) == (502, "broken_reply")


def test_what_a_broken_stream_has_cost_is_told() -> None:
    assert Counted(usage=Usage(input_tokens=9, output_tokens=0)) in heard(PIECES[0])


def test_usage_may_come_after_the_end() -> None:
    counted = {"usageMetadata": COUNTS, "responseId": "r1"}
    *_, usage, ended = heard(piece({"text": "Hi"}, finishReason="STOP"), counted)
    assert usage == Counted(usage=Usage(input_tokens=9, output_tokens=8, reasoning_tokens=3))
    assert ended == Ended()


def test_an_error_in_the_stream_ends_it() -> None:
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}
    error = {"code": 429, "message": "Later.", "status": "RESOURCE_EXHAUSTED", "details": [retry]}
    *_, last = heard(PIECES[0], {"error": error}, PIECES[2])
    assert isinstance(last, Broken)
    failure = last.failure
    assert (failure.status, failure.type, failure.code, failure.retry_after) == (
        429,
        "rate_limit_error",
        "rate_limit_exceeded",
        7.0,
    )


def test_nothing_follows_a_model_that_failed() -> None:
    both = {
        "candidates": [
            {"finishReason": "MALFORMED_FUNCTION_CALL"},
            {"content": {"parts": [{"text": "B"}]}, "finishReason": "STOP", "index": 1},
        ]
    }
    events = heard(both, piece({"text": "C"}, finishReason="STOP"))
    assert [type(event) for event in events] == [Begun, Broken]


@pytest.mark.parametrize("before", [[], [piece({"text": "Es reg"})]])
def test_a_prompt_that_is_blocked_ends_the_answer_once(before: list[Json]) -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "responseId": "r1"}
    events = heard(*before, blocked, blocked)
    stops = [event for event in events if isinstance(event, Stopped)]
    assert stops == [Stopped(stop="content_filter")]
    assert sum(isinstance(event, PartBegun) for event in events) == sum(
        isinstance(event, PartEnded) for event in events
    )
    assert events[-1] == Ended()


def test_a_parser_that_has_finished_says_no_more() -> None:
    parser = UPSTREAM.stream_parser(Destination(model=FLASH))
    last = list(parser.feed(Frame(b"", msgspec.json.encode(piece(finishReason="STOP")))))
    assert last == [Begun(id="r1", model=FLASH)]
    assert list(parser.finish()) == [Stopped(stop="end"), Ended()]
    assert list(parser.finish()) == []
