"""Streams of servers that imitate OpenAI's, each in its way."""

from __future__ import annotations

import pytest

from airouter.dialects import in_order
from airouter.dialects.chat import pieced_arguments
from airouter.dialects.conversation import (
    Choice,
    Citation,
    Image,
    Json,
    Media,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Usage,
)
from airouter.dialects.events import ArgumentsDelta, Broken, Counted, Ended, Stopped
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


def arguments_in(choice: Choice) -> list[str]:
    """The arguments of calls whose ids a server may give twice."""
    return [part.arguments for part in choice.parts if isinstance(part, ToolCall)]


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
        pytest.param(
            [
                calling(piece(None, "", index=0, id="a")),
                calling(piece("weather", "", index=0)),
                calling(piece(None, OSLO, index=0)),
                calling(piece(None, "", index=1, id="b")),
                calling(piece("weather", ROME, index=1)),
            ],
            id="the name after the id",
        ),
    ],
)
def test_two_calls_are_two_calls(chunks: list[Json]) -> None:
    choice = assembled(*chunks, END)
    assert calls_in(choice) == [("weather", OSLO), ("weather", ROME)]
    assert choice.stop == "tool_calls"


@pytest.mark.parametrize("between", ["And:", ""])
def test_two_calls_with_one_id_at_one_index_are_two_calls(between: str) -> None:
    one, other = (piece("weather", place, index=0, id="a") for place in (OSLO, ROME))
    choice = assembled(calling(one), chunk({"content": between}), calling(other), END)
    assert arguments_in(choice) == [OSLO, ROME]


def test_a_call_whose_name_is_in_each_piece_is_not_read_anew_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []
    is_whole = pieced_arguments.is_whole

    def noted(arguments: str) -> bool:
        read.append(arguments)
        return is_whole(arguments)

    monkeypatch.setattr(pieced_arguments, "is_whole", noted)
    pieces = ['{"text":"', *["word "] * 99, '"}']
    choice = assembled(*(calling(piece("say", each, index=0, id="a")) for each in pieces), END)
    assert arguments_in(choice) == ["".join(pieces)]
    assert len(read) < 3


def test_a_call_with_the_id_of_one_before_may_begin_without_arguments() -> None:
    one, other = (piece("weather", begun, index=0, id="a") for begun in (OSLO, ""))
    pieces = calling(other), calling(piece(None, ROME, index=0))
    choice = assembled(calling(one), chunk({"content": "And:"}), *pieces, END)
    assert arguments_in(choice) == [OSLO, ROME]


def test_calls_of_different_tools_need_no_arguments_to_be_told_apart() -> None:
    choice = assembled(calling(piece("now"), piece("here")), END)
    assert calls_in(choice) == [("now", "{}"), ("here", "{}")]


def test_a_call_has_the_id_that_came_before_its_name() -> None:
    (call,) = assembled(calling(piece(None, None, id="a")), calling(piece("f", "{}")), END).parts
    assert call == ToolCall(id="a", name="f", arguments="{}")


def test_more_of_a_call_that_is_over_breaks_the_stream() -> None:
    first, second = piece("weather", OSLO, index=0, id="a"), piece("weather", "", index=1, id="b")
    with pytest.raises(BrokenReply):
        heard(calling(first), calling(second), calling(piece(None, OSLO, index=0)))
    assert heard(calling(first), calling(second), calling(piece(None, "\n", index=0)))


def test_more_of_a_call_that_never_began_breaks_the_stream() -> None:
    with pytest.raises(BrokenReply):
        heard(calling(piece("weather", "", index=0, id="a")), calling(piece(None, OSLO, index=1)))


def test_calls_that_come_by_turns_are_each_its_own() -> None:
    pieces = [
        piece("weather", OSLO[:5], index=0, id="a"),
        piece("weather", ROME[:5], index=1, id="b"),
        piece(None, OSLO[5:], index=0),
        piece(None, ROME[5:], index=1),
    ]
    choice = assembled(*map(calling, pieces), END)
    assert calls_in(choice) == [("weather", OSLO), ("weather", ROME)]
    assert choice == assembled(calling(*pieces), END)


def test_a_call_is_told_as_it_comes_where_the_one_before_is_whole() -> None:
    first, second = piece("weather", OSLO, index=0, id="a"), piece("weather", ROME, index=1, id="b")
    events = heard(calling(first), calling(second), done=False)
    assert [each.text for each in events if isinstance(each, ArgumentsDelta)] == [OSLO, ROME]


@pytest.mark.parametrize("between", ["\n", "", "Look: "])
@pytest.mark.parametrize("field", ["content", "reasoning_content", "refusal"])
def test_what_comes_amid_a_call_does_not_end_it(field: str, between: str) -> None:
    choice = assembled(
        calling(piece("weather", OSLO[:5], index=0, id="a")),
        chunk({field: between}),
        calling(piece(None, OSLO[5:], index=0)),
        chunk({field: between}),
        END,
    )
    assert calls_in(choice) == [("weather", OSLO)]
    words = Text | Reasoning | Refusal
    said = "".join(part.text for part in choice.parts[1:] if isinstance(part, words))
    assert said == between * 2 or not (said or between.strip())


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_a_call_that_was_cut_before_its_arguments_has_none(reason: str) -> None:
    begun = calling(piece("now", "", index=0, id="a"))
    assert calls_in(assembled(begun, chunk({}, reason))) == [("now", "")]
    assert calls_in(assembled(begun, END)) == [("now", "{}")]


def test_too_much_that_has_to_wait_breaks_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_order, "MOST_HELD", 1_000)
    first = piece("weather", "{", index=0, id="a")
    more = [calling(piece("weather", "x" * 500, index=1, id="b")) for _ in range(3)]
    with pytest.raises(BrokenReply, match="mixes too much"):
        heard(calling(first), *more)


@pytest.mark.parametrize("begun", ["", OSLO[:5]])
@pytest.mark.parametrize("done", [True, False])
def test_arguments_that_come_after_the_reason_to_stop_are_told(begun: str, done: bool) -> None:
    choice = assembled(
        calling(piece("weather", begun, index=0, id="a")),
        calling(piece("weather", ROME[:3], index=1, id="b")),
        END,
        calling(piece(None, OSLO[len(begun) :], index=0)),
        calling(piece(None, ROME[3:], index=1)),
        done=done,
    )
    assert calls_in(choice) == [("weather", OSLO), ("weather", ROME)]
    assert choice.stop == "tool_calls"


def test_a_choice_whose_calls_are_whole_stops_with_its_reason() -> None:
    whole = calling(piece("weather", OSLO, index=0, id="a"))
    events = heard(whole, END, {"usage": {"prompt_tokens": 1}})
    kinds = [type(event) for event in events[-3:]]
    assert kinds == [Stopped, Counted, Ended]


@pytest.mark.parametrize("id_", [None, "a"])
@pytest.mark.parametrize("arguments", [OSLO, ""])
def test_a_name_in_pieces_is_that_of_one_call(id_: str | None, arguments: str) -> None:
    choice = assembled(
        calling(piece("get_", index=0, id=id_)),
        calling(piece("weather", index=0)),
        chunk({"content": "\n"}),
        calling(piece("_now", arguments, index=0)),
        calling(piece("weather", ROME, index=1)),
        END,
    )
    assert calls_in(choice) == [("get_weather_now", arguments or "{}"), ("weather", ROME)]


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


def test_a_picture_stands_between_the_words_around_it() -> None:
    url = "data:image/png;base64,aW1n"
    drawn = chunk({"images": [{"type": "image_url", "image_url": {"url": url}}]})
    choice = assembled(chunk({"content": "See: "}), drawn, chunk({"content": "Nice."}, "stop"))
    picture = Image(media=Media(media_type="image/png", data="aW1n"))
    assert choice.parts == (Text(text="See: "), picture, Text(text="Nice."))


def test_the_usage_counts_where_it_stands_in_a_choice() -> None:
    end = chunk({}, "stop")
    end["choices"][0]["usage"] = {"prompt_tokens": 7, "completion_tokens": 5}
    counted = [
        event for event in heard(chunk({"content": "Hi."}), end) if isinstance(event, Counted)
    ]
    assert counted == [Counted(usage=Usage(input_tokens=7, output_tokens=5))]


def test_sources_beside_the_choices_are_told_with_the_text() -> None:
    sources: Json = {"citations": ["https://a.example"]}
    choice = assembled(
        chunk({"content": "Rain"}, **sources), chunk({"content": " [1]."}), chunk({}, "stop")
    )
    assert choice.parts == (Text(text="Rain [1].", citations=(Citation(url="https://a.example"),)),)
