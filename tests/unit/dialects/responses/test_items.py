"""What a model said, in the shapes that OpenAI's own models answer in."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.dialects.conversation import Json
from contract.services.stand_in import sse
from unit.dialects.responses.asking import (
    both,
    calling,
    candidate_stream,
    function,
    kinds,
    message,
    message_stream,
    streamed,
    text,
    tool_use,
    user,
    whole,
)

PLACED: Json = {
    "type": "char_location",
    "cited_text": "Green.",
    "document_index": 1,
    "document_title": "Colours",
    "start_char_index": 0,
    "end_char_index": 6,
}
CHUNK: Json = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}


def test_a_source_in_a_file_stands_at_the_end_of_what_it_is_for() -> None:
    (item,) = both("messages", [text("Grass is green.", PLACED)])
    assert item["content"][0]["annotations"] == [
        {"type": "file_citation", "file_id": "", "filename": "Colours", "index": 15}
    ]


def test_a_source_is_told_as_it_stands_in_the_end() -> None:
    events = streamed("messages", message_stream([text("Grass is green.", PLACED)]))
    assert kinds(events)[4:9] == [
        "output_text.delta",
        "output_text.delta",
        "output_text.annotation.added",
        "output_text.done",
        "content_part.done",
    ]
    assert events[6]["annotation"] == events[8]["part"]["annotations"][0]


def test_a_refusal_has_events_of_its_own() -> None:
    deltas: list[Json] = [{"refusal": "I can"}, {"refusal": "not."}]
    choices = [{"index": 0, "delta": delta} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    events = streamed("openai", [sse({**CHUNK, "choices": [choice]}) for choice in choices])
    assert kinds(events)[3:8] == [
        "content_part.added",
        "refusal.delta",
        "refusal.delta",
        "refusal.done",
        "content_part.done",
    ]
    (content,) = events[-1]["response"]["output"][0]["content"]
    assert content == {"type": "refusal", "refusal": "I cannot."}


def test_what_a_provider_wants_back_is_there_only_once_it_is_known() -> None:
    thought: Json = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    events = streamed("messages", message_stream([thought]))
    added, done = (event["item"] for event in events if "item" in event)
    assert "encrypted_content" not in added
    assert done["encrypted_content"]
    signed = {**calling("weather"), "thoughtSignature": "c2ln"}
    events = streamed("gemini", candidate_stream([signed]), tools=[function()])
    added, done, *_ = (event["item"] for event in events if "item" in event)
    assert "encrypted_content" not in added
    assert done["encrypted_content"]


def test_probabilities_have_the_bytes_that_the_sdk_wants() -> None:
    token: Json = {"token": "Grün", "logprob": -0.5, "bytes": None}
    said = {"role": "assistant", "content": "Grün"}
    choice = {
        "index": 0,
        "message": said,
        "logprobs": {"content": [{**token, "top_logprobs": [token]}]},
        "finish_reason": "stop",
    }
    reply = {"id": "c", "created": 1, "model": "m", "choices": [choice]}
    response = whole("openai", reply, include=["message.output_text.logprobs"])
    (found,) = response["output"][0]["content"][0]["logprobs"]
    assert found["bytes"] == found["top_logprobs"][0]["bytes"] == list("Grün".encode())


@pytest.mark.parametrize(
    ("reason", "told"), [("max_tokens", "max_output_tokens"), ("refusal", "content_filter")]
)
def test_an_answer_that_was_cut_says_why(reason: str, told: str) -> None:
    events = streamed("messages", message_stream([text("Grass")], reason), input=[user()])
    assert kinds(events)[-1] == "incomplete"
    assert events[-1]["response"]["incomplete_details"] == {"reason": told}


def test_the_message_that_was_cut_says_so_too() -> None:
    content = [text("Grass"), tool_use("weather"), text("is")]
    events = streamed("messages", message_stream(content, "max_tokens"), tools=[function()])
    response = whole("messages", message(content, "max_tokens"), tools=[function()])
    statuses = ["completed", "completed", "incomplete"]
    assert [item["status"] for item in response["output"]] == statuses
    assert [item["status"] for item in events[-1]["response"]["output"]] == statuses


CUT_TOOLS: list[Json] = [
    function(),
    {"type": "custom", "name": "sql"},
    {"type": "shell"},
    {"type": "apply_patch"},
]
CUT: list[tuple[Json, str | None]] = [
    (text("Grass"), "incomplete"),
    ({"type": "thinking", "thinking": "Grass", "signature": "c2ln"}, "incomplete"),
    (tool_use("weather", city="Oslo"), "incomplete"),
    (tool_use("sql", input="SELECT"), "incomplete"),
    (tool_use("shell", commands=["ls"]), "incomplete"),
    (tool_use("apply_patch", type="delete_file", path="a"), "completed"),  # has no other
]


@pytest.mark.parametrize(("block", "status"), CUT)
def test_the_item_that_was_cut_says_so_in_every_place(block: Json, status: str) -> None:
    content = [tool_use("weather", city="Bern"), block]
    events = streamed("messages", message_stream(content, "max_tokens"), tools=CUT_TOOLS)
    response = whole("messages", message(content, "max_tokens"), tools=CUT_TOOLS)
    done = [each["item"] for each in events if each["type"] == "response.output_item.done"]
    for output in (done, events[-1]["response"]["output"], response["output"]):
        assert [item.get("status") for item in output] == ["completed", status]


def test_arguments_that_were_cut_are_those_of_an_incomplete_call() -> None:
    pieces = message_stream([tool_use("weather", city="Oslo")], "max_tokens")
    cut = b"".join(pieces).replace(b'Oslo\\"}', b"Os")
    assert cut != b"".join(pieces)
    (item,) = streamed("messages", [cut], tools=[function()])[-1]["response"]["output"]
    assert (item["status"], item["arguments"]) == ("incomplete", '{"city":"Os')


@pytest.mark.parametrize("block", [each for each, _ in CUT[:4]])
def test_what_came_before_an_upstreams_error_is_kept(block: Json) -> None:
    pieces = message_stream([text("Hi"), block])[:-3]  # without the ends of block and message
    busy = sse({"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}, "error")
    events = streamed("messages", [*pieces, busy], tools=CUT_TOOLS)
    assert kinds(events)[-2:] == ["error", "failed"]
    last = events[-1]["response"]["output"][-1]
    assert last["status"] == "incomplete"
    assert any(said in str(last) for said in ("Grass", "Oslo", "'SELECT'"))
    done = [each["item"] for each in events if each["type"] == "response.output_item.done"]
    assert last["id"] not in {item["id"] for item in done}, "it would be run"


@pytest.mark.parametrize("block", [tool_use("weather", city="Oslo"), tool_use("sql", input="S")])
def test_a_call_right_after_which_the_model_failed_is_not_whole(block: Json) -> None:
    pieces = message_stream([text("Hi"), block])[:-2]  # without the end of the message
    busy = sse({"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}, "error")
    events = streamed("messages", [*pieces, busy], tools=CUT_TOOLS)
    done = [each["item"] for each in events if each["type"] == "response.output_item.done"]
    statuses = ["completed", "incomplete"]
    assert [item["status"] for item in done] == statuses
    assert [item["status"] for item in events[-1]["response"]["output"]] == statuses


def test_an_answer_without_words_has_no_items() -> None:
    assert streamed("gemini", candidate_stream([]))[-1]["response"]["output"] == []


def test_a_picture_that_the_model_drew_is_an_item_of_its_own() -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    output = both("gemini", [{"text": "Here: "}, picture, {"text": "Nice?"}])
    assert [item["type"] for item in output] == ["message", "image_generation_call", "message"]
    drawn = output[1]
    assert (drawn["result"], drawn["output_format"]) == ("iVBORw0KGgo=", "png")
    assert drawn["id"].startswith("ig_")


def test_a_picture_in_a_stream_is_told_as_openais_are() -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    assert kinds(streamed("gemini", candidate_stream([picture])))[2:-1] == [
        "output_item.added",
        "image_generation_call.in_progress",
        "image_generation_call.generating",
        "image_generation_call.completed",
        "output_item.done",
    ]


@pytest.mark.parametrize("others", [7, "x", [7], None])
def test_alternatives_of_a_token_that_are_none_are_left_out(others: Any) -> None:
    tokens = [{"token": "x", "logprob": -1.0, "top_logprobs": others}]
    choice = {"message": {"content": "x"}, "logprobs": {"content": tokens}}
    (item,) = whole("openai", {"id": "c", "choices": [choice]})["output"]
    assert item["content"][0]["logprobs"][0]["top_logprobs"] == []
