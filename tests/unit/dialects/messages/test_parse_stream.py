"""Anthropic's stream, read: nothing is lost on the way, whatever the cut."""

from __future__ import annotations

from itertools import chain, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airouter.dialects.conversation import Destination, Opaque, Text, ToolCall
from airouter.dialects.events import Begun, Broken
from airouter.dialects.framing import Frame
from airouter.dialects.messages import UPSTREAM
from airouter.dialects.messages.render_tools import ANSWER_TOOL
from airouter.interfaces import BrokenReply
from unit.dialects.messages.asking import HERE, SONNET, answer_to, response
from unit.dialects.messages.streaming import (
    ALL,
    COMPACTION,
    COUNTS,
    SAID,
    SEARCH,
    STREAM,
    USE,
    assembled,
    block_of,
    end,
    event,
    events_in,
    start,
    streamed,
)


def test_a_stream_is_the_message_that_would_have_come_whole() -> None:
    usage = {**COUNTS, "output_tokens": 7, "output_tokens_details": {"thinking_tokens": 4}}
    whole = answer_to(response(*ALL, reason="tool_use", usage=usage))
    assert assembled(events_in(STREAM)) == whole


def test_a_cut_changes_nothing_wherever_it_is() -> None:
    whole = events_in(STREAM)
    for at in range(len(STREAM)):
        assert events_in(STREAM[:at], STREAM[at:]) == whole


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_many_cuts_change_nothing(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[a:b] for a, b in pairwise(edges)]
    assert events_in(*pieces) == events_in(STREAM)


def test_the_tool_that_stands_for_the_answer_is_the_answer() -> None:
    for said, text in (({"n": 1}, '{"n":1}'), ({}, "{}")):
        by_tool = {**USE, "name": ANSWER_TOOL, "input": said}
        choice = assembled(events_in(streamed(by_tool))).choices[0]
        assert (choice.parts, choice.stop) == ((Text(text=text),), "end")


def test_a_call_that_begins_with_all_its_arguments_keeps_them() -> None:
    begun = event("content_block_start", index=0, content_block=USE)
    stream = start() + begun + event("content_block_stop", index=0) + end()
    assert assembled(events_in(stream)).choices[0].parts == (
        ToolCall(id="toolu_1", name="weather", arguments='{"city":"Zürich"}'),
    )


@pytest.mark.parametrize("text", ['{"que', "[" * 200_000])
def test_a_search_that_was_cut_off_is_told_as_it_began(text: str) -> None:
    delta = {"type": "input_json_delta", "partial_json": text}
    begun = event("content_block_start", index=0, content_block={**SEARCH, "input": {}})
    cut = begun + event("content_block_delta", index=0, delta=delta)
    stream = start() + cut + event("content_block_stop", index=0) + end("max_tokens")
    native = {**SEARCH, "input": {}}
    choice = assembled(events_in(stream)).choices[0]
    assert choice.parts == (Opaque(dialect="messages", native=native),)


def test_a_message_begins_once() -> None:
    events = events_in(start() + STREAM)
    assert [type(each) for each in events].count(Begun) == 1
    assert assembled(events) == assembled(events_in(STREAM))


def test_a_compaction_that_comes_in_pieces_is_whole() -> None:
    choice = assembled(events_in(streamed(COMPACTION, reason="end_turn"))).choices[0]
    assert choice.parts == (Opaque(dialect="messages", native=COMPACTION),)


@pytest.mark.parametrize("pieces", [(), (start(),), (start(), event("ping"))])
def test_a_stream_without_its_end_is_broken(pieces: tuple[bytes, ...]) -> None:
    last = events_in(*pieces)[-1]
    assert isinstance(last, Broken)
    assert last.failure.status == 502


def test_a_stream_that_ends_in_a_block_and_without_a_reason_is_broken() -> None:
    begun = start() + event("content_block_start", index=0, content_block=SAID)
    last = events_in(begun + event("message_stop"))[-1]
    assert isinstance(last, Broken)
    assert last.failure.status == 502


def test_a_stream_that_fails_says_why_and_nothing_after() -> None:
    error = {"type": "overloaded_error", "message": "Overloaded"}
    events = events_in(start() + event("error", error=error) + end())
    assert isinstance(events[-1], Broken)
    assert (events[-1].failure.status, events[-1].failure.code) == (503, "overloaded_error")
    assert [type(each) for each in events] == [Begun, Broken]


@pytest.mark.parametrize("reason", ["tool_use", "end_turn"])
def test_whether_there_are_calls_is_seen_from_them(reason: str) -> None:
    assert assembled(events_in(streamed(USE, reason=reason))).choices[0].stop == "tool_calls"
    assert assembled(events_in(streamed(SAID, reason=reason))).choices[0].stop == "end"


def test_a_block_ends_where_the_next_begins_though_nobody_says_so() -> None:
    untold = b"".join(each for each in frames_of(STREAM) if b"content_block_stop" not in each)
    assert assembled(events_in(untold)) == assembled(events_in(STREAM))


def test_calls_that_come_by_turns_are_each_its_own() -> None:
    calls = [USE, {**USE, "id": "toolu_9", "input": {"city": "Bern"}}]
    whole = [frames_of(block_of(*each)) for each in enumerate(calls)]
    by_turns = b"".join(chain.from_iterable(zip(*whole, strict=True)))
    assert assembled(events_in(start() + by_turns + end())) == assembled(
        events_in(streamed(*calls))
    )


def test_null_is_nothing() -> None:
    nothing = dict.fromkeys(("text", "thinking", "signature", "partial_json", "citation"))
    delta = event("content_block_delta", index=None, delta={**nothing, "type": "text_delta"})
    said = {"type": "text_delta", "text": "Hi"}
    block = {"type": "text", "text": None, "citations": None}
    data = event("content_block_start", index=None, content_block=block) + delta
    data += event("content_block_delta", index=None, delta={**nothing, **said})
    (choice,) = assembled(events_in(start(id=None) + data + end("end_turn"))).choices
    assert choice.parts == (Text(text="Hi"),)


def frames_of(data: bytes) -> list[bytes]:
    return [each + b"\n\n" for each in data.split(b"\n\n")[:-1]]


def test_what_is_new_is_passed_over() -> None:
    new = event("new_event") + event(
        "content_block_start", index=0, content_block=SAID | {"text": ""}
    )
    new += event("content_block_delta", index=0, delta={"type": "new_delta"})
    new += event("content_block_stop", index=0)
    assert assembled(events_in(start() + new + end("end_turn"))).choices[0].stop == "end"


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"type":"ping","x":' + b"[" * 200_000,
        b'{"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}',
        b'{"type":"content_block_stop","index":0}',
    ],
)
def test_an_event_out_of_place_breaks_the_stream(data: bytes) -> None:
    parser = UPSTREAM.stream_parser(Destination(model=SONNET, maker=HERE))
    with pytest.raises(BrokenReply):
        list(parser.feed(Frame(b"", data)))
