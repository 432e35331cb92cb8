"""Whole answers of Gemini."""

from __future__ import annotations

from typing import Any

import pytest
from google.genai.types import FinishReason

from airouter.dialects.conversation import (
    Audio,
    Choice,
    Citation,
    Destination,
    Image,
    Json,
    Media,
    Opaque,
    Part,
    Reasoning,
    Text,
    ToolCall,
    Usage,
)
from airouter.dialects.gemini import UPSTREAM
from airouter.failures import Failure
from airouter.interfaces import BrokenReply
from unit.dialects.gemini.asking import FLASH, answer_to, own, response

SIGNED = {"thoughtSignature": "c2lnbmVk"}


def choice_of(*parts: Json, **candidate: Any) -> Choice:
    (choice,) = answer_to(response(*parts, **candidate)).choices
    return choice


def said(*parts: Json, **candidate: Any) -> tuple[Part, ...]:
    return choice_of(*parts, **candidate).parts


def call(name: str, **more: Any) -> Json:
    return {"functionCall": {"name": name, "args": {"city": "Zürich"}, **more}}


def test_an_answer_says_whose_it_is() -> None:
    answer = answer_to(response({"text": "Hi"}) | {"modelVersion": "gemini-3-flash-001"})
    assert (answer.id, answer.model) == ("r1", "gemini-3-flash-001")


def test_an_answer_without_a_model_is_of_the_one_that_was_asked() -> None:
    body = response({"text": "Hi"})
    del body["modelVersion"], body["responseId"]
    answer = answer_to(body)
    assert answer.model == FLASH
    assert answer.id


@pytest.mark.parametrize(
    ("parts", "read"),
    [
        ([{"text": "One"}, {"text": " two"}], [Text(text="One two")]),
        (
            [{"text": "Hm.", "thought": True}, {"text": "Hi"}],
            [Reasoning(text="Hm."), Text(text="Hi")],
        ),
        (
            [{"text": "Hm.", "thought": True, **SIGNED}, {"text": "Hmm.", "thought": True}],
            [Reasoning(text="Hm.", signature=own()), Reasoning(text="Hmm.")],
        ),
        (
            [{"text": "One", **SIGNED}, {"text": "two"}],
            [Text(text="One", signature=own()), Text(text="two")],
        ),
        (
            [{"text": "Hi"}, {"text": "", **SIGNED}],
            [Text(text="Hi"), Text(text="", signature=own())],
        ),
        ([{"text": "Hi"}, SIGNED], [Text(text="Hi"), Text(text="", signature=own())]),
        ([{"text": "", "thought": True, **SIGNED}], [Reasoning(signature=own())]),
        ([{"text": ""}], []),
        (
            [{"inlineData": {"mimeType": "image/png", "data": "aGk="}, **SIGNED}],
            [Image(media=Media(media_type="image/png", data="aGk="), signature=own())],
        ),
        ([{"inlineData": {"mimeType": "image/png", "data": "aGk="}, "thought": True}], []),
        (
            [{"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": "aGk="}}],
            [Audio(data="aGk=", format="pcm16")],
        ),
        (
            [{"inlineData": {"mimeType": "audio/wav", "data": "aGk="}}],
            [Audio(data="aGk=", format="wav")],
        ),
        (
            [{"executableCode": {"language": "PYTHON", "code": "1+1"}}],
            [
                Opaque(
                    dialect="gemini",
                    native={"executableCode": {"language": "PYTHON", "code": "1+1"}},
                )
            ],
        ),
        (
            [{"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}}],
            [
                Opaque(
                    dialect="gemini",
                    native={"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}},
                )
            ],
        ),
    ],
)
def test_parts_are_read(parts: list[Json], read: list[Part]) -> None:
    assert said(*parts) == tuple(read)


def test_calls_come_with_their_signature_and_an_id_of_their_own() -> None:
    choice = choice_of(call("weather") | SIGNED, call("weather"), call("time", id="abc"))
    first, second, third = choice.parts
    assert choice.stop == "tool_calls"
    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert (first.name, first.arguments) == ("weather", '{"city":"Zürich"}')
    assert (first.signature, second.signature) == (own(), None)
    assert first.id.startswith("call_")
    assert first.id != second.id
    assert third == ToolCall(id="abc", name="time", arguments='{"city":"Zürich"}')


def test_a_call_may_be_without_arguments() -> None:
    (part,) = said({"functionCall": {"name": "now"}})
    assert isinstance(part, ToolCall)
    assert part.arguments == "{}"


def test_the_same_calls_of_another_answer_have_other_ids() -> None:
    body = response(call("weather"))
    ids = [
        part.id
        for id_ in ("r1", "r2", "r1")
        for part in answer_to(body | {"responseId": id_}).choices[0].parts
        if isinstance(part, ToolCall)
    ]
    assert ids[0] == ids[2] != ids[1]


def test_the_same_call_in_another_choice_has_another_id() -> None:
    given = {"content": {"parts": [call("weather")]}, "finishReason": "STOP"}
    choices = answer_to({"candidates": [given, given | {"index": 1}]}).choices
    ids = {part.id for choice in choices for part in choice.parts if isinstance(part, ToolCall)}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("STOP", "end"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("MODEL_ARMOR", "content_filter"),
        ("SOMETHING_NEW", "content_filter"),
    ],
)
def test_why_it_stopped_is_told(reason: str, stop: str) -> None:
    assert choice_of({"text": "Hi"}, reason=reason).stop == stop


def test_calls_that_were_cut_off_are_not_called_complete() -> None:
    assert choice_of(call("weather"), reason="MAX_TOKENS").stop == "length"


FAULTS = [
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
    "OTHER",
]


@pytest.mark.parametrize("reason", FAULTS)
def test_a_model_that_failed_is_an_error_to_try_again(reason: str) -> None:
    with pytest.raises(Failure) as failed:
        answer_to({"candidates": [{"finishReason": reason}]})
    assert (failed.value.status, failed.value.code) == (502, reason.lower())


ANSWERED = set(FinishReason) - {FinishReason(name) for name in FAULTS}


@pytest.mark.parametrize("reason", sorted(ANSWERED, key=str))
def test_every_other_reason_of_google_s_ends_an_answer(reason: FinishReason) -> None:
    (choice,) = answer_to({"candidates": [{"finishReason": reason.value}]}).choices
    assert choice.stop in {"end", "length", "content_filter"}


@pytest.mark.parametrize("candidate", [{}, {"content": {}}, {"content": {"role": "model"}}])
def test_an_answer_that_was_cut_may_be_empty(candidate: Json) -> None:
    (choice,) = answer_to({"candidates": [candidate | {"finishReason": "SAFETY"}]}).choices
    assert choice == Choice(parts=(), stop="content_filter")


def test_a_prompt_that_was_blocked_gets_an_answer_of_nothing() -> None:
    answer = answer_to(
        {
            "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
            "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9},
        }
    )
    assert answer.choices == (Choice(parts=(), stop="content_filter"),)
    assert answer.usage == Usage(input_tokens=9, output_tokens=0)


def test_several_answers_are_choices() -> None:
    bodies = [
        {"content": {"parts": [{"text": "B"}]}, "finishReason": "MAX_TOKENS", "index": 1},
        {"content": {"parts": [{"text": "A"}]}, "finishReason": "STOP"},
    ]
    assert answer_to({"candidates": bodies}).choices == (
        Choice(parts=(Text(text="A"),), stop="end"),
        Choice(parts=(Text(text="B"),), stop="length", index=1),
    )


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        (
            {
                "promptTokenCount": 10,
                "toolUsePromptTokenCount": 5,
                "cachedContentTokenCount": 4,
                "candidatesTokenCount": 3,
                "thoughtsTokenCount": 2,
                "totalTokenCount": 20,
                "trafficType": "ON_DEMAND",
            },
            Usage(input_tokens=15, output_tokens=5, cached_tokens=4, reasoning_tokens=2),
        ),
        (
            {"promptTokenCount": 10, "thoughtsTokenCount": 2},
            Usage(input_tokens=10, output_tokens=2, reasoning_tokens=2),
        ),
        ({"promptTokenCount": 10}, Usage(input_tokens=10, output_tokens=0)),
    ],
)
def test_thoughts_are_output_and_the_cached_are_input(counts: Json, usage: Usage) -> None:
    assert answer_to(response({"text": "Hi"}) | {"usageMetadata": counts}).usage == usage


TEXT = "Zürich: ☀ today."
GROUNDED: Json = {
    "groundingChunks": [
        {"web": {"uri": "https://a.example", "title": "a.example"}},
        {"retrievedContext": {"uri": "gs://b"}},
        {"web": {"uri": "https://c.example"}},
    ],
    "groundingSupports": [
        {
            "segment": {"startIndex": 9, "endIndex": 12, "text": "☀"},
            "groundingChunkIndices": [0, 1, 2, 7],
        },
        {"segment": {"endIndex": 7, "text": "Zürich"}, "groundingChunkIndices": [0]},
    ],
    "webSearchQueries": ["weather"],
}
CITED = (
    Citation(url="https://a.example", title="a.example", quote="☀", start=8, end=9),
    Citation(url="https://c.example", quote="☀", start=8, end=9),
    Citation(url="https://a.example", title="a.example", quote="Zürich", start=0, end=6),
)


@pytest.mark.parametrize(
    "parts",
    [
        [{"text": TEXT}],
        [{"text": "Hm.", "thought": True}, {"text": TEXT}],
        [{"text": TEXT, **SIGNED}],
        [{"text": TEXT}, {"text": "", **SIGNED}],
    ],
)
def test_sources_are_told_by_characters_of_the_text(parts: list[Json]) -> None:
    found = said(*parts, groundingMetadata=GROUNDED)
    (text,) = [part for part in found if isinstance(part, Text) and part.text]
    assert text.text == TEXT
    assert text.citations == CITED
    assert [text.text[each.start : each.end] for each in text.citations] == ["☀", "☀", "Zürich"]


def test_sources_of_a_text_in_two_parts_are_counted_in_the_second() -> None:
    support = {"segment": {"startIndex": 8, "endIndex": 9}, "groundingChunkIndices": [0]}
    grounded = GROUNDED | {"groundingSupports": [support]}
    _, second = said({"text": "Zürich", **SIGNED}, {"text": ": ok"}, groundingMetadata=grounded)
    assert isinstance(second, Text)
    assert [(each.start, each.end) for each in second.citations] == [(1, 2)]


@pytest.mark.parametrize("name", ["citationSources", "citations"])
def test_recitations_are_sources_at_both_services(name: str) -> None:
    source = {"startIndex": 1, "endIndex": 3, "uri": "https://a.example"}
    (text,) = said({"text": TEXT}, citationMetadata={name: [source]})
    assert isinstance(text, Text)
    assert text.citations == (Citation(url="https://a.example", start=1, end=2),)


@pytest.mark.parametrize("signature", [{}, SIGNED])
def test_log_probabilities_are_as_chat_has_them(signature: Json) -> None:
    found = {
        "chosenCandidates": [{"token": "é", "logProbability": -0.5, "tokenId": 7}],
        "topCandidates": [{"candidates": [{"token": "e", "logProbability": -2}]}],
        "logProbabilitySum": -0.5,
    }
    (text,) = said({"text": "é", **signature}, logprobsResult=found)
    assert isinstance(text, Text)
    assert text.logprobs == (
        {
            "token": "é",
            "logprob": -0.5,
            "bytes": [195, 169],
            "top_logprobs": [{"token": "e", "logprob": -2.0, "bytes": [101]}],
        },
    )


def test_an_error_in_an_answer_that_went_well_is_an_error() -> None:
    with pytest.raises(Failure) as failed:
        answer_to({"error": {"code": 429, "message": "Later.", "status": "RESOURCE_EXHAUSTED"}})
    assert (failed.value.status, failed.value.type) == (429, "rate_limit_error")


@pytest.mark.parametrize("body", [{}, {"candidates": []}, {"candidates": [{"content": {}}]}])
def test_an_answer_that_does_not_end_is_an_error(body: Json) -> None:
    with pytest.raises(Failure) as failed:
        answer_to(body)
    assert failed.value.status == 502


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"candidates": 7}', b"\xff", b'{"candidates":' + b"[" * 200_000],
)
def test_what_cannot_be_read_is_a_broken_reply(body: bytes) -> None:
    with pytest.raises(BrokenReply):
        UPSTREAM.parse_response(body, Destination(model=FLASH))


def test_fields_that_are_new_do_no_harm() -> None:
    body = response({"text": "Hi", "partMetadata": {"a": 1}}, avgLogprobs=-0.1) | {"new": [1]}
    assert answer_to(body).choices == (Choice(parts=(Text(text="Hi"),), stop="end"),)
