"""ConverseStream: blocks that are not announced, and the cost after the end."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airouter.dialects.assembly import Assembly
from airouter.dialects.conversation import (
    Answer,
    Destination,
    Image,
    Json,
    Media,
    Reasoning,
    Text,
    ToolCall,
    Usage,
)
from airouter.dialects.converse import UPSTREAM
from airouter.dialects.events import (
    ArgumentsDelta,
    Begun,
    Broken,
    Counted,
    Ended,
    Event,
    PartBegun,
    PartEnded,
    ReasoningDelta,
    Signed,
    Stopped,
    TextDelta,
)
from airouter.dialects.framing import Frame
from airouter.interfaces import BrokenReply
from unit.dialects.converse.asking import HERE, SONNET, answer_to, event, exception, own, response

PADDING = {"p": "abcdefghijklmn"}
COUNTS = {
    "inputTokens": 9,
    "outputTokens": 5,
    "totalTokens": 17,
    "cacheReadInputTokens": 3,
    "cacheWriteInputTokens": 0,
}
CITATION: Json = {
    "title": "Notes",
    "sourceContent": [{"text": "Es regnete."}],
    "location": {"documentChar": {"documentIndex": 0, "start": 3, "end": 13}},
}


def delta(at: int, **piece: object) -> bytes:
    return event("contentBlockDelta", contentBlockIndex=at, delta=piece, **PADDING)


def start(at: int, **block: object) -> bytes:
    return event("contentBlockStart", contentBlockIndex=at, start=block)


def stop(at: int) -> bytes:
    return event("contentBlockStop", contentBlockIndex=at)


def thought(at: int, **piece: str) -> bytes:
    return delta(at, reasoningContent=piece)


def argument(at: int, piece: str) -> bytes:
    return delta(at, toolUse={"input": piece})


BEGIN = event("messageStart", role="assistant")
STOP = event("messageStop", stopReason="tool_use")
METADATA = event("metadata", usage=COUNTS, metrics={"latencyMs": 7}, **PADDING)
STREAM = [
    BEGIN,
    delta(0, text=""),
    stop(0),
    thought(1, text="Wie ist das "),
    thought(1, text="Wetter? ☀"),
    thought(1, signature=own().value),
    stop(1),
    thought(2, redactedContent="c2VjcmV0"),
    stop(2),
    delta(3, text="Es regnet "),
    delta(3, text="in Zürich, 東京."),
    delta(3, citation=CITATION),
    stop(3),
    start(4, toolUse={"toolUseId": "tooluse_1", "name": "weather"}),
    argument(4, ""),
    argument(4, '{"city":'),
    argument(4, '"東京"}'),
    stop(4),
    start(5, toolUse={"toolUseId": "tooluse_2", "name": "now"}),
    stop(5),
    start(6, image={"format": "png"}),
    delta(6, image={"source": {"bytes": "aGk="}}),
    stop(6),
    STOP,
    METADATA,
]
WHOLE = response(
    {"text": ""},
    {
        "reasoningContent": {
            "reasoningText": {"text": "Wie ist das Wetter? ☀", "signature": "c2lnbmVk"}
        }
    },
    {"reasoningContent": {"redactedContent": "c2VjcmV0"}},
    {
        "citationsContent": {
            "content": [{"text": "Es regnet in Zürich, 東京."}],
            "citations": [CITATION],
        }
    },
    {"toolUse": {"toolUseId": "tooluse_1", "name": "weather", "input": {"city": "東京"}}},
    {"toolUse": {"toolUseId": "tooluse_2", "name": "now", "input": {}}},
    {"image": {"format": "png", "source": {"bytes": "aGk="}}},
    reason="tool_use",
    usage=COUNTS,
)
BYTES = b"".join(STREAM)


def events_of(data: Iterable[bytes]) -> list[Event]:
    framing, parser = (
        UPSTREAM.framing(),
        UPSTREAM.stream_parser(Destination(model=SONNET, maker=HERE)),
    )
    events = [found for cut in data for frame in framing.feed(cut) for found in parser.feed(frame)]
    return nameless([*events, *parser.finish()])


def nameless(events: Iterable[Event]) -> list[Event]:
    """Events without the id, which is a new one each time."""
    return [
        msgspec.structs.replace(each, id="") if isinstance(each, Begun) else each for each in events
    ]


def assembled(events: Iterable[Event]) -> Answer:
    assembly = Assembly()
    for each in events:
        assembly.feed(each)
    return assembly.answer()


EVENTS = events_of([BYTES])


def test_a_stream_makes_the_answer_that_would_have_come_whole() -> None:
    whole = msgspec.structs.replace(answer_to(WHOLE), id="")
    assert assembled(EVENTS) == whole


def test_each_part_begins_and_ends_before_the_next() -> None:
    bounds = [each for each in EVENTS if isinstance(each, PartBegun | PartEnded)]
    assert [each.at for each in bounds] == [at for at in range(6) for _ in "be"]
    kinds = [type(each) for each in bounds]
    assert kinds == [PartBegun, PartEnded] * 6


def test_blocks_of_text_and_reasoning_need_no_announcement() -> None:
    assert EVENTS[:6] == [
        Begun(id="", model=SONNET),
        PartBegun(at=0, part=Reasoning()),
        ReasoningDelta(at=0, text="Wie ist das "),
        ReasoningDelta(at=0, text="Wetter? ☀"),
        Signed(at=0, signature=own()),
        PartEnded(at=0),
    ]


def test_what_it_cost_comes_before_the_end_though_after_the_stop() -> None:
    usage = Usage(input_tokens=12, output_tokens=5, cached_tokens=3, cache_write_tokens=0)
    assert EVENTS[-3:] == [Stopped(stop="tool_calls"), Counted(usage=usage), Ended()]


def test_a_call_without_arguments_streams_an_empty_object() -> None:
    called = [BEGIN, start(0, toolUse={"toolUseId": "1", "name": "now"}), argument(0, ""), stop(0)]
    assert events_of(called)[1:4] == [
        PartBegun(at=0, part=ToolCall(id="1", name="now", arguments="")),
        ArgumentsDelta(at=0, text="{}"),
        PartEnded(at=0),
    ]


def test_calls_that_come_by_turns_are_each_its_own() -> None:
    stream = [
        BEGIN,
        start(0, toolUse={"toolUseId": "a", "name": "f"}),
        start(1, toolUse={"toolUseId": "b", "name": "f"}),
        argument(0, '{"x"'),
        argument(1, '{"y"'),
        argument(0, ":1}"),
        delta(2, text="Hm."),
        argument(1, ":2}"),
        stop(0),
        stop(1),
        STOP,
    ]
    assert assembled(events_of(stream)).choices[0].parts == (
        ToolCall(id="a", name="f", arguments='{"x":1}'),
        ToolCall(id="b", name="f", arguments='{"y":2}'),
        Text(text="Hm."),
    )


@pytest.mark.parametrize("reason", ["tool_use", "end_turn"])
def test_whether_there_are_calls_is_seen_from_them(reason: str) -> None:
    use = {"toolUse": {"toolUseId": "a", "name": "weather"}}
    begun, stop = event("messageStart", role="assistant"), event("messageStop", stopReason=reason)
    called = event("contentBlockStart", contentBlockIndex=0, start=use)
    assert Stopped(stop="tool_calls") in events_of([begun + called + stop])
    assert Stopped(stop="end") in events_of([begun + stop])


def test_an_image_comes_whole() -> None:
    image = Image(media=Media(media_type="image/webp", data="aGk="))
    shown = [
        BEGIN,
        start(0, image={"format": "webp"}),
        delta(0, image={"source": {"bytes": "aGk="}}),
    ]
    assert events_of(shown)[1] == PartBegun(at=0, part=image)


def test_neighbouring_blocks_of_text_stay_apart() -> None:
    stream = [BEGIN, delta(0, text="a"), stop(0), delta(1, text="b"), stop(1), STOP]
    assert assembled(events_of(stream)).choices[0].parts == (Text(text="a"), Text(text="b"))


def test_a_cut_at_any_byte_changes_nothing() -> None:
    for at in range(len(BYTES) + 1):
        assert events_of([BYTES[:at], BYTES[at:]]) == EVENTS, f"cut at {at}"


@given(st.lists(st.integers(0, len(BYTES)), max_size=12).map(sorted))
def test_many_cuts_change_nothing(cuts: list[int]) -> None:
    edges = [0, *cuts, len(BYTES)]
    assert events_of(BYTES[one:other] for one, other in pairwise(edges)) == EVENTS


@pytest.mark.parametrize("frames", range(len(STREAM) - 1))
def test_a_stream_that_closes_before_the_stop_is_broken(frames: int) -> None:
    last = events_of(STREAM[:frames])[-1]
    assert isinstance(last, Broken)
    assert (last.failure.status, last.failure.code) == (502, "broken_reply")


def test_a_stream_is_whole_without_its_cost() -> None:
    assert events_of(STREAM[:-1])[-2:] == [Stopped(stop="tool_calls"), Ended()]


def test_nothing_follows_the_end() -> None:
    assert events_of([*STREAM, delta(9, text="more"), METADATA]) == EVENTS


@pytest.mark.parametrize(
    ("name", "status", "type_"),
    [
        ("throttlingException", 429, "rate_limit_error"),
        ("validationException", 400, "invalid_request_error"),
        ("modelStreamErrorException", 502, "server_error"),
        ("internalServerException", 500, "server_error"),
        ("serviceUnavailableException", 503, "server_error"),
        ("someNewException", 502, "server_error"),
    ],
)
def test_an_exception_in_the_stream_ends_it(name: str, status: int, type_: str) -> None:
    *_, before, last = events_of([BEGIN, delta(0, text="Hi"), exception(name, message="No."), STOP])
    assert before == TextDelta(at=0, text="Hi")
    assert isinstance(last, Broken)
    assert (last.failure.status, last.failure.type, last.failure.message) == (status, type_, "No.")


def test_what_the_model_itself_said_of_its_failure_is_passed_on() -> None:
    failing = exception("modelStreamErrorException", originalMessage="Overloaded.")
    (last,) = events_of([failing])
    assert isinstance(last, Broken)
    assert last.failure.message == "Overloaded."


def test_a_model_that_failed_breaks_the_stream() -> None:
    stream = [BEGIN, delta(0, text="Hi"), event("messageStop", stopReason="malformed_tool_use")]
    last = events_of([*stream, METADATA])[-1]
    assert isinstance(last, Broken)
    assert (last.failure.status, last.failure.code) == (502, "malformed_tool_use")


def test_events_of_later_versions_do_no_harm() -> None:
    assert events_of([event("initial-response"), *STREAM, event("later", x=1)]) == EVENTS


@pytest.mark.parametrize(
    "frame",
    [
        Frame(b"contentBlockDelta", b"{"),
        Frame(b"contentBlockDelta", b'{"delta":7}'),
        Frame(b"contentBlockDelta", b'{"delta":{"toolUse":{"input":"x"}}}'),
    ],
)
def test_an_event_that_cannot_be_read_breaks_the_stream(frame: Frame) -> None:
    parser = UPSTREAM.stream_parser(Destination(model=SONNET, maker=HERE))
    with pytest.raises(BrokenReply):
        list(parser.feed(frame))
