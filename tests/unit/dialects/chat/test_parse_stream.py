"""Streams of servers that imitate OpenAI's, each in its way."""

from __future__ import annotations

import pytest

from airouter.dialects.conversation import Json, Text, Usage
from airouter.dialects.events import Broken, Counted, Ended, Stopped
from airouter.interfaces import BrokenReply
from unit.dialects.chat.asking import (
    assembled,
    calling,
    calls_in,
    chunk,
    heard,
    piece,
    thought,
)

OSLO, ROME = '{"city":"Oslo"}', '{"city":"Rome"}'
END = chunk({}, "tool_calls")


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param(
            [
                calling(piece("weather", "", index=0, id="a")),
                calling(piece(None, OSLO[:5], index=0)),
                calling(piece(None, OSLO[5:], index=0)),
                calling(piece("weather", "", index=1, id="b")),
                calling(piece(None, ROME, index=1)),
            ],
            id="OpenAI",
        ),
        pytest.param(
            [calling(piece("weather", OSLO, index=0, id="a"), piece("weather", ROME, id="b"))],
            id="an index for some",
        ),
        pytest.param(
            [
                calling(piece("weather", OSLO, index=0, id="a")),
                calling(piece("weather", ROME, index=0, id="b")),
            ],
            id="always index 0",
        ),
        pytest.param(
            [
                calling(piece("weather", OSLO, index=0, id="")),
                calling(piece("weather", ROME, index=0, id="")),
            ],
            id="neither an index nor an id that tell",
        ),
        pytest.param(
            [calling(piece("weather", {"city": "Oslo"}), piece("weather", {"city": "Rome"}))],
            id="objects without an index or an id",
        ),
        pytest.param(
            [
                calling(piece("weather", OSLO[:5], index=0, id="a")),
                calling(piece("weather", OSLO[5:], index=0, id="a")),
                calling(piece("weather", "", index=0, id="a")),
                calling(piece("weather", ROME[:5], index=1, id="b")),
                calling(piece("weather", ROME[5:], index=1, id="b")),
            ],
            id="the name in every piece",
        ),
        pytest.param(
            [
                calling(piece("weather", "", index=0, id="a1")),
                calling(piece(None, OSLO[:5], index=0, id="a2")),
                calling(piece(None, OSLO[5:], index=0, id="a3")),
                calling(piece("weather", "", index=1, id="b1")),
                calling(piece(None, ROME, index=1, id="b2")),
            ],
            id="a new id for every piece",
        ),
        pytest.param(
            [
                calling(piece("weather", "", index=0, id="a")),
                calling(piece(None, OSLO)),
                calling(piece("weather", "", index=1, id="b")),
                calling(piece(None, ROME)),
            ],
            id="the index only where a call begins",
        ),
    ],
)
def test_two_calls_are_two_calls(chunks: list[Json]) -> None:
    choice = assembled(*chunks, END)
    assert calls_in(choice) == [("weather", OSLO), ("weather", ROME)]
    assert choice.stop == "tool_calls"


def test_calls_of_different_tools_need_no_arguments_to_be_told_apart() -> None:
    choice = assembled(calling(piece("now"), piece("here")), END)
    assert calls_in(choice) == [("now", ""), ("here", "")]


def test_more_of_a_call_that_is_over_breaks_the_stream() -> None:
    first, second = piece("weather", "", index=0, id="a"), piece("weather", "", index=1, id="b")
    with pytest.raises(BrokenReply):
        heard(calling(first), calling(second), calling(piece(None, OSLO, index=0)))


@pytest.mark.parametrize("reason", ["stop", "tool_calls"])
def test_calls_stop_a_stream_whatever_its_server_calls_that(reason: str) -> None:
    assert assembled(calling(piece("now", "{}", id="a"), reason=reason)).stop == "tool_calls"


def test_a_stream_without_calls_does_not_stop_for_them() -> None:
    assert assembled(chunk({"content": "Hi."}), END).stop == "end"


def test_an_empty_reason_is_none() -> None:
    choice = assembled(
        chunk({"content": "He"}, ""), chunk({"content": "llo"}, ""), chunk({}, "stop")
    )
    assert choice.parts == (Text(text="Hello"),)


def test_a_stream_that_says_it_is_done_is_whole_though_not_why() -> None:
    events = heard(chunk({"content": "Hi."}))
    assert events[-2:] == [Stopped(stop="end"), Ended()]


def test_a_stream_that_says_neither_is_broken() -> None:
    assert isinstance(heard(chunk({"content": "Hi."}), done=False)[-1], Broken)


def test_a_stream_of_nothing_is_broken() -> None:
    assert [type(event) for event in heard()] == [Broken]


@pytest.mark.parametrize(
    "last",
    [
        {"error": {"message": "No memory.", "code": 503}},
        {"object": "error", "message": "No memory.", "code": 400},
        chunk({"content": ""}, "error", error={"message": "No memory.", "code": "server_error"}),
        {"choices": [{"index": 0, "error": {"message": "No memory."}, "finish_reason": "error"}]},
    ],
)
def test_an_error_in_the_stream_is_told_and_nothing_after_it(last: Json) -> None:
    last_event = heard(chunk({"content": "Half of"}), last, chunk({}, "stop"))[-1]
    assert isinstance(last_event, Broken)
    assert last_event.failure.message == "No memory."


def test_a_server_that_stops_for_want_of_resources_has_not_answered() -> None:
    events = heard(chunk({"content": "Half"}), chunk({}, "insufficient_system_resource"))
    assert isinstance(events[-1], Broken)
    assert events[-1].failure.status == 502


def test_content_in_pieces_is_read_with_its_thoughts() -> None:
    thinking: Json = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    choice = assembled(
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": [thinking]}),
        chunk({"content": [{"type": "text", "text": "It is "}]}),
        chunk({"content": "sunny."}),
        chunk({"content": ""}, "stop"),
    )
    assert choice.parts == (thought("Hm.", "content"), Text(text="It is sunny."))


def test_comments_and_data_without_a_space_are_as_the_standard_has_them() -> None:
    choice = assembled(
        b": OPENROUTER PROCESSING\n\n",
        b'data:{"choices":[{"delta":{"content":"Hi."}}]}\n\n: again\n\n',
        b'data:{"choices":[{"delta":null,"finish_reason":"stop"}]}\n\ndata:[DONE]\n\n',
        done=False,
    )
    assert choice.parts == (Text(text="Hi."),)


@pytest.mark.parametrize("choices", [[], None])
def test_usage_may_come_alone_and_after_the_end(choices: list[Json] | None) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 5, "prompt_tokens_details": None}
    last: Json = {"choices": choices, "usage": usage}
    events = heard(chunk({"content": "Hi."}, "stop"), last)
    assert events[-2:] == [Counted(usage=Usage(input_tokens=7, output_tokens=5)), Ended()]
