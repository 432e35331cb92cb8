"""Whole messages: Anthropic's as answers, and answers as messages for its clients."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.dialects.conversation import (
    Citation,
    Destination,
    Image,
    Json,
    Media,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Usage,
)
from airouter.dialects.messages import UPSTREAM
from airouter.dialects.messages.render_tools import ANSWER_TOOL
from airouter.failures import Failure
from airouter.interfaces import BrokenReply
from unit.dialects.messages.asking import (
    SONNET,
    answer,
    answer_to,
    call,
    foreign,
    own,
    parsed,
    rendered,
    response,
)

DEEP = b'{"content":[],"x":' + b"[" * 200_000
CITATION: Json = {
    "type": "page_location",
    "cited_text": "rain",
    "document_index": 2,
    "document_title": "Notes",
    "file_id": None,
    "start_page_number": 3,
    "end_page_number": 4,
}
USE: Json = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}}
SEARCH: Json = {
    "type": "server_tool_use",
    "id": "s1",
    "name": "web_search",
    "input": {"query": "x"},
}


def parts_of(*content: Json, **more: Any) -> tuple[Any, ...]:
    return answer_to(response(*content, **more)).choices[0].parts


def test_every_block_becomes_a_part() -> None:
    text = {"type": "text", "text": "It rained.", "citations": [CITATION]}
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}
    hidden = {"type": "redacted_thinking", "data": "aGlk"}
    assert parts_of(thought, hidden, SEARCH, text, USE) == (
        Reasoning(text="Hm.", signature=own()),
        Reasoning(signature=own("aGlk", redacted=True)),
        Opaque(dialect="messages", native=SEARCH),
        Text(
            text="It rained.",
            citations=(
                Citation(
                    title="Notes",
                    quote="rain",
                    document=2,
                    unit="page",
                    first=3,
                    last=4,
                    dialect="messages",
                    native=CITATION,
                ),
            ),
        ),
        ToolCall(id="toolu_1", name="weather", arguments='{"city":"Oslo"}'),
    )


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("end_turn", "end"),
        ("max_tokens", "length"),
        ("stop_sequence", "stop_sequence"),
        ("tool_use", "tool_calls"),
        ("pause_turn", "pause"),
        ("refusal", "refusal"),
        ("model_context_window_exceeded", "context_window"),
    ],
)
def test_the_reason_of_a_stop_goes_there_and_back(reason: str, stop: Any) -> None:
    said = USE if stop == "tool_calls" else {"type": "text", "text": "Hi"}
    assert answer_to(response(said, reason=reason)).choices[0].stop == stop
    assert rendered(answer(Text(text="Hi"), stop=stop))["stop_reason"] == reason


def test_a_reason_that_is_new_is_an_end() -> None:
    said = {"type": "text", "text": "Hi"}
    assert answer_to(response(said, reason="bored")).choices[0].stop == "end"


def test_whether_there_are_calls_is_seen_from_them() -> None:
    said = {"type": "text", "text": "Hi"}
    assert answer_to(response(USE, reason="end_turn")).choices[0].stop == "tool_calls"
    assert answer_to(response(said, reason="tool_use")).choices[0].stop == "end"


def test_arguments_that_are_json_already_stay_so() -> None:
    (called,) = answer_to(response({**USE, "input": '{"city":"Oslo"}'})).choices[0].parts
    assert isinstance(called, ToolCall)
    assert called.arguments == '{"city":"Oslo"}'


def test_the_input_has_in_it_what_was_cached_and_is_told_apart_for_clients() -> None:
    counts = {
        "input_tokens": 9,
        "cache_read_input_tokens": 3,
        "cache_creation_input_tokens": 2,
        "output_tokens": 5,
        "output_tokens_details": {"thinking_tokens": 4},
    }
    usage = answer_to(response(USE, usage=counts)).usage
    assert usage == Usage(
        input_tokens=14, output_tokens=5, cached_tokens=3, cache_write_tokens=2, reasoning_tokens=4
    )
    assert rendered(answer(Text(text="Hi"), usage=usage))["usage"] == counts


def test_what_is_not_known_of_the_cost_counts_as_nothing() -> None:
    usage = rendered(answer(Text(text="Hi")))["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (0, 0)


def test_the_tool_that_stands_for_the_answer_is_the_answer() -> None:
    by_tool = {**USE, "name": ANSWER_TOOL}
    choice = answer_to(response(by_tool, reason="tool_use")).choices[0]
    assert (choice.parts, choice.stop) == ((Text(text='{"city":"Oslo"}'),), "end")
    both = answer_to(response(by_tool, USE, reason="tool_use")).choices[0]
    assert both.stop == "tool_calls"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"content":5}', b"<html>", b'{"id":"\xff"}', DEEP]
)
def test_what_is_no_message_breaks_the_answer(body: bytes) -> None:
    with pytest.raises(BrokenReply):
        UPSTREAM.parse_response(body, Destination(model=SONNET))


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("overloaded_error", 503),
        ("rate_limit_error", 429),
        ("api_error", 500),
        ("timeout_error", 504),
        ("new_error", 502),
    ],
)
def test_an_error_in_the_place_of_a_message_is_a_failure(kind: str, status: int) -> None:
    with pytest.raises(Failure) as failed:
        answer_to({"type": "error", "error": {"type": kind, "message": "No."}})
    assert (failed.value.status, failed.value.message) == (status, "No.")


def test_a_message_has_its_own_kind_of_id() -> None:
    assert rendered(answer(Text(text="Hi")))["id"] == "msg_a1"
    made = answer_to(response(USE))
    assert rendered(made)["id"] == "msg_1"


def test_two_answers_without_ids_get_different_ones() -> None:
    nameless = answer(Text(text="Hi"))
    nameless = type(nameless)(id="", model="m", choices=nameless.choices)
    first, second = (rendered(nameless)["id"] for _ in range(2))
    assert first.startswith("msg_")
    assert first != second


def test_what_claude_said_reaches_its_client_as_it_was() -> None:
    blocks = (
        {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"},
        {"type": "redacted_thinking", "data": "aGlk"},
        {"type": "text", "text": "It rained.", "citations": [CITATION]},
        USE,
    )
    assert rendered(answer_to(response(*blocks)))["content"] == list(blocks)


def test_a_citation_of_another_provider_is_one_of_the_web() -> None:
    citation = Citation(url="https://x.test", title="X", quote="rain", dialect="chat")
    (block,) = rendered(answer(Text(text="Rain", citations=(citation,))))["content"]
    assert block["citations"][0]["type"] == "web_search_result_location"
    assert block["citations"][0]["url"] == "https://x.test"


def test_words_without_sources_say_nothing_of_them() -> None:
    picture = Image(media=Media(media_type="image/png", data="aGk="))
    for block in rendered(answer(Text(text="Hi."), Refusal(text="No."), picture))["content"]:
        assert set(block) == {"type", "text"}


def test_empty_words_are_no_block() -> None:
    assert rendered(answer(Text(text="")))["content"] == []


def test_a_refusal_is_text_and_a_picture_is_its_address() -> None:
    picture = Image(media=Media(media_type="image/png", data="aGk="))
    said = rendered(answer(Refusal(text="No."), picture, stop="refusal"))["content"]
    assert [block["text"] for block in said] == ["No.", "![image](data:image/png;base64,aGk=)"]


def test_what_another_model_thought_returns_by_way_of_the_client() -> None:
    thought = Reasoning(text="Hm.", signature=foreign())
    signed = call("call.1", signature=foreign())
    content = rendered(answer(thought, signed, stop="tool_calls"))["content"]
    assert [block["type"] for block in content] == ["thinking", "thinking", "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": content[2]["id"], "content": "Rain"}]
    turns = parsed(
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": content},
        {"role": "user", "content": results},
    ).turns
    assert turns[1].parts == (thought, call(content[2]["id"], signature=foreign()))


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ('{"a": 1}', {"a": 1}),
        ("", {}),
        ('{"a": ', {"INVALID_JSON": '{"a": '}),
        ("[1]", {"INVALID_JSON": "[1]"}),
        ('{"a":' * 99_000, {"INVALID_JSON": '{"a":' * 99_000}),
    ],
)
def test_a_call_that_was_cut_off_does_not_spoil_the_message(arguments: str, given: Json) -> None:
    content = rendered(answer(call(arguments=arguments), stop="length"))["content"]
    assert content[0]["input"] == given
