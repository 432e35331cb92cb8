"""Answers of any provider, as messages for clients of Anthropic."""

from __future__ import annotations

import pytest

from airouter.dialects.conversation import Citation, Image, Json, Media, Reasoning, Refusal, Text
from unit.dialects.messages.asking import (
    CALL,
    CITATION,
    answer,
    answer_to,
    call,
    foreign,
    parsed,
    rendered,
    response,
)


def test_what_is_not_known_of_the_cost_counts_as_nothing() -> None:
    usage = rendered(answer(Text(text="Hi")))["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (0, 0)


def test_a_message_has_its_own_kind_of_id() -> None:
    assert rendered(answer(Text(text="Hi")))["id"] == "msg_a1"
    made = answer_to(response(CALL))
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
        CALL,
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
