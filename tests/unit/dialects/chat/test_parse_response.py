"""Whole answers of servers that imitate OpenAI's, each in its way."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.dialects.conversation import Citation, Image, Json, Media, Text, ToolCall
from airouter.failures import Failure
from airouter.interfaces import BrokenReply
from unit.dialects.chat.asking import answer_to, calls_in, choice_of, completion, piece, thought

OSLO = '{"city":"Oslo"}'
THOUGHTFUL: list[Json] = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "Let me "}, {"text": "see."}]},
    {"type": "text", "text": "It is "},
    {"type": "text", "text": "sunny."},
]


def test_a_content_in_pieces_is_read_with_its_thoughts() -> None:
    choice = choice_of({"content": THOUGHTFUL})
    assert choice.parts == (thought("Let me see.", "content"), Text(text="It is sunny."))


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_read_by_either_name(field: str) -> None:
    choice = choice_of({"content": "Hi.", field: "Hm."})
    assert choice.parts == (thought("Hm.", field), Text(text="Hi."))


def test_arguments_may_be_an_object() -> None:
    choice = choice_of({"content": None, "tool_calls": [piece("weather", {"city": "Oslo"})]})
    assert calls_in(choice) == [("weather", OSLO)]


@pytest.mark.parametrize("given", [{}, {"id": ""}, {"id": None}])
def test_calls_without_ids_get_one_each(given: Json) -> None:
    call = piece("weather", OSLO, **given)
    choice = choice_of({"content": None, "tool_calls": [call, call]}, "tool_calls")
    assert calls_in(choice) == [("weather", OSLO)] * 2


@pytest.mark.parametrize("reason", ["stop", "tool_calls", None, "eos"])
def test_calls_stop_an_answer_whatever_its_server_calls_that(reason: str | None) -> None:
    call = piece("weather", OSLO, id="a")
    assert choice_of({"tool_calls": [call]}, reason).stop == "tool_calls"


def test_an_answer_that_filled_the_context_window_was_cut() -> None:
    choice = choice_of({"content": "It r"}, "model_context_window_exceeded")
    assert choice.stop == "context_window"


def test_an_answer_without_calls_does_not_stop_for_them() -> None:
    assert choice_of({"content": "Hi.", "tool_calls": []}, "tool_calls").stop == "end"


@pytest.mark.parametrize("reason", ["length", "content_filter", "model_context_window_exceeded"])
def test_a_call_that_was_cut_before_its_arguments_has_none(reason: str) -> None:
    calling = {"tool_calls": [piece("now", "", id="a")]}
    assert calls_in(choice_of(calling, reason)) == [("now", "")]
    assert calls_in(choice_of(calling)) == [("now", "{}")]


def test_arguments_that_are_cut_off_are_told_to_be() -> None:
    choice = choice_of({"tool_calls": [piece("weather", '{"ci', id="a")]}, "length")
    assert choice.stop == "length"
    assert [part.arguments for part in choice.parts if isinstance(part, ToolCall)] == ['{"ci']


@pytest.mark.parametrize("reason", ["error", "abort", "insufficient_system_resource"])
def test_a_server_that_failed_in_the_middle_has_not_answered(reason: str) -> None:
    with pytest.raises(Failure) as caught:
        choice_of({"content": "Half of"}, reason)
    assert (caught.value.status, caught.value.code) == (502, reason)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "No memory.", "code": 503}},
        {"error": "No memory."},
        {"object": "error", "message": "No memory.", "code": 400},
        {"choices": [{"index": 0, "error": {"message": "No memory.", "code": 502}}]},
    ],
)
def test_an_error_in_the_place_of_an_answer_is_told(body: Json) -> None:
    with pytest.raises(Failure, match=r"No memory\."):
        answer_to(body)


@pytest.mark.parametrize(
    "changes",
    [
        {"created": 1700000000.25},
        {"id": None, "model": None, "created": None, "usage": None, "service_tier": None},
        {"choices": [{"index": None, "message": {"content": "Hi."}, "finish_reason": "stop"}]},
        {"choices": [{"message": {"content": "Hi.", "tool_calls": None, "annotations": None}}]},
    ],
)
def test_what_a_server_leaves_out_or_writes_otherwise_is_no_harm(changes: Any) -> None:
    (choice,) = answer_to(completion({"content": "Hi."}) | changes).choices
    assert (choice.index, choice.parts, choice.stop) == (0, (Text(text="Hi."),), "end")


@pytest.mark.parametrize("choices", [[], None])
def test_an_answer_without_choices_is_broken(choices: Any) -> None:
    with pytest.raises(BrokenReply):
        answer_to({"id": "c1", "choices": choices})


@pytest.mark.parametrize(
    ("url", "media"),
    [
        ("data:image/png;base64,aW1n", Media(media_type="image/png", data="aW1n")),
        ("data:image/webp;q=1;base64,aW1n", Media(media_type="image/webp", data="aW1n")),
        ("https://a.example/cat.png", Media(url="https://a.example/cat.png")),
    ],
)
def test_a_picture_is_read(url: str, media: Media) -> None:
    drawn = {"type": "image_url", "image_url": {"url": url}}
    choice = choice_of({"content": "See:", "images": [drawn, {"type": "image_url"}]})
    assert choice.parts == (Text(text="See:"), Image(media=media))


FOUND: Json = {"title": "Oslo", "url": "https://a.example", "date": "2026-01-01"}
SOURCES: list[tuple[Json, tuple[Citation, ...]]] = [
    ({"search_results": [FOUND]}, (Citation(url="https://a.example", title="Oslo"),)),
    ({"citations": ["https://a.example"]}, (Citation(url="https://a.example"),)),
    (
        {"citations": ["https://a.example"], "search_results": [FOUND]},
        (Citation(url="https://a.example", title="Oslo"),),
    ),
    ({"citations": {"odd": 1}, "search_results": [None, 7, {"url": None}]}, ()),
]


@pytest.mark.parametrize(("told", "sources"), SOURCES)
def test_sources_beside_the_choices_are_those_of_the_text(
    told: Json, sources: tuple[Citation, ...]
) -> None:
    (choice,) = answer_to(completion({"content": "Rain [1]."}, **told)).choices
    assert choice.parts == (Text(text="Rain [1].", citations=sources),)
