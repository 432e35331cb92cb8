"""Bedrock's whole answers."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.dialects.conversation import (
    Citation,
    Destination,
    Image,
    Json,
    Media,
    Part,
    Reasoning,
    Stop,
    Text,
    ToolCall,
    Usage,
)
from airouter.dialects.converse import UPSTREAM
from airouter.failures import Failure
from airouter.interfaces import BrokenReply
from unit.dialects.converse.asking import HERE, SONNET, answer_to, own, response

CITATION: Json = {
    "title": "Notes",
    "sourceContent": [{"text": "It rained."}],
    "location": {"documentChar": {"documentIndex": 1, "start": 3, "end": 13}},
}


def parts_in(*content: Json) -> list[Part]:
    return list(answer_to(response(*content)).choices[0].parts)


def test_a_text_is_an_answer_of_the_model_that_was_asked() -> None:
    answer = answer_to(response({"text": "Hello"}))
    assert (answer.model, len(answer.choices)) == (SONNET, 1)
    assert answer.choices[0].parts == (Text(text="Hello"),)


def test_every_answer_gets_an_id_of_its_own() -> None:
    ids = {answer_to(response({"text": "Hello"})).id for _ in range(3)}
    assert len(ids) == 3
    assert "" not in ids


def test_a_tool_is_called_with_json() -> None:
    use = {"toolUseId": "tooluse_1", "name": "weather", "input": {"city": "Zürich"}}
    assert parts_in({"toolUse": use}) == [
        ToolCall(id="tooluse_1", name="weather", arguments='{"city":"Zürich"}')
    ]


@pytest.mark.parametrize("more", [{}, {"input": {}}, {"input": None}, {"input": ""}])
def test_a_tool_that_is_given_nothing_is_given_an_empty_object(more: Json) -> None:
    (part,) = parts_in({"toolUse": {"toolUseId": "1", "name": "now", **more}})
    assert part == ToolCall(id="1", name="now", arguments="{}")


def test_reasoning_is_signed_by_the_model_that_was_asked() -> None:
    thought = {"reasoningText": {"text": "Hm.", "signature": own().value}}
    redacted = {"redactedContent": "c2VjcmV0"}
    assert parts_in({"reasoningContent": thought}, {"reasoningContent": redacted}) == [
        Reasoning(text="Hm.", signature=own()),
        Reasoning(signature=own("c2VjcmV0", redacted=True)),
    ]


def test_reasoning_may_come_unsigned() -> None:
    thought = {"reasoningText": {"text": "Hm."}}
    assert parts_in({"reasoningContent": thought}) == [Reasoning(text="Hm.")]


def test_reasoning_of_a_later_kind_says_nothing() -> None:
    assert parts_in({"reasoningContent": {"later": {}}}) == [Reasoning()]


def test_an_empty_text_before_the_reasoning_is_no_part_of_the_answer() -> None:
    thought = {"reasoningContent": {"reasoningText": {"text": "Hm."}}}
    assert parts_in({"text": ""}, thought, {"text": "Hi"}) == [
        Reasoning(text="Hm."),
        Text(text="Hi"),
    ]


def test_a_text_keeps_its_sources() -> None:
    content = {"content": [{"text": "It "}, {"text": "rained."}], "citations": [CITATION]}
    (part,) = parts_in({"citationsContent": content})
    assert part == Text(
        text="It rained.",
        citations=(
            Citation(
                title="Notes",
                quote="It rained.",
                document=1,
                unit="character",
                first=3,
                last=13,
                dialect="converse",
                native=CITATION,
            ),
        ),
    )


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ({"web": {"url": "https://a.example"}}, {"url": "https://a.example"}),
        ({"documentPage": {"documentIndex": 0, "start": 2, "end": 3}}, {"unit": "page"}),
        ({"documentChunk": {"documentIndex": 0, "start": 2, "end": 3}}, {"unit": "block"}),
        (None, {"unit": None}),
    ],
)
def test_a_source_says_where_it_stands(location: Any, expected: Json) -> None:
    content = {"content": [{"text": "Rain"}], "citations": [{"location": location}]}
    (part,) = parts_in({"citationsContent": content})
    assert isinstance(part, Text)
    (citation,) = part.citations
    assert {name: getattr(citation, name) for name in expected} == expected


@pytest.mark.parametrize("citation", [{"location": "x"}, {"location": {"web": 7}}, {"title": 7}])
def test_a_source_that_cannot_be_read_is_a_broken_reply(citation: Json) -> None:
    with pytest.raises(BrokenReply):
        parts_in({"citationsContent": {"content": [{"text": "Rain"}], "citations": [citation]}})


def test_an_image_comes_as_it_was_encoded() -> None:
    image = {"format": "webp", "source": {"bytes": "aGk="}}
    assert parts_in({"image": image}) == [Image(media=Media(media_type="image/webp", data="aGk="))]


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("end_turn", "end"),
        ("tool_use", "tool_calls"),
        ("max_tokens", "length"),
        ("stop_sequence", "stop_sequence"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("model_context_window_exceeded", "context_window"),
        ("some_new_reason", "end"),
    ],
)
def test_a_reason_to_stop_is_said_in_our_words(reason: str, stop: Stop) -> None:
    use = {"toolUse": {"toolUseId": "a", "name": "weather", "input": {}}}
    said = use if stop == "tool_calls" else {"text": "Hi"}
    assert answer_to(response(said, reason=reason)).choices[0].stop == stop


def test_whether_there_are_calls_is_seen_from_them() -> None:
    use = {"toolUse": {"toolUseId": "a", "name": "weather", "input": {}}}
    assert answer_to(response(use, reason="end_turn")).choices[0].stop == "tool_calls"
    assert answer_to(response({"text": "Hi"}, reason="tool_use")).choices[0].stop == "end"


@pytest.mark.parametrize("reason", ["malformed_model_output", "malformed_tool_use"])
def test_a_model_that_failed_is_no_answer(reason: str) -> None:
    with pytest.raises(Failure, match=reason) as raised:
        answer_to(response({"text": "Hi"}, reason=reason))
    assert (raised.value.status, raised.value.type) == (502, "server_error")


def test_what_is_cached_counts_as_input_too() -> None:
    counts = {
        "inputTokens": 10,
        "outputTokens": 5,
        "totalTokens": 47,
        "cacheReadInputTokens": 20,
        "cacheWriteInputTokens": 12,
    }
    assert answer_to(response({"text": "Hi"}, usage=counts)).usage == Usage(
        input_tokens=42, output_tokens=5, cached_tokens=20, cache_write_tokens=12
    )


def test_the_tier_that_served_is_known() -> None:
    answer = answer_to(response({"text": "Hi"}, serviceTier={"type": "flex"}))
    assert answer.service_tier == "flex"


def test_an_answer_may_be_empty() -> None:
    assert parts_in() == []


@pytest.mark.parametrize(
    "body", [b"", b"nothing", b"[]", b"{}", b'{"output":{}}', b'{"output":{"message":7}}', b"\xff"]
)
def test_what_is_no_answer_is_a_broken_reply(body: bytes) -> None:
    with pytest.raises(BrokenReply):
        UPSTREAM.parse_response(body, Destination(model=SONNET, maker=HERE))


def test_fields_of_later_versions_do_no_harm() -> None:
    body = response({"text": "Hi", "later": 1}, {"laterBlock": {"x": 1}}, later={"a": []})
    assert answer_to(msgspec.json.decode(msgspec.json.encode(body))).choices[0].parts == (
        Text(text="Hi"),
    )
