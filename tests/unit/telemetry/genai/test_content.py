"""What was said, in the form of the conventions, and what is kept out of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.telemetry.genai.content import LARGEST_REQUEST, ROOM, Content, captured
from airouter.telemetry.genai.redaction import ContentPath

CALL = {"id": "call_1", "type": "function", "function": {"name": "pay", "arguments": '{"iban":1}'}}
CHAT = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "paid"},
    ],
}
CHAT_ANSWER = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "done"},
            "finish_reason": "stop",
        }
    ],
}
CHAT_STREAM = (
    b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"do"}}]}\n\n'
    b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"ne"}}]}\n\n'
)
STREAM_END = (
    b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
)
RESPONSES_STREAM = (
    b'data: {"type":"response.output_item.done",'
    b'"item":{"type":"message","content":[{"text":"done"}]}}\n\n'
    b'data: {"type":"response.completed","response":{"output":[]}}\n\n'
)
MESSAGES_ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "done"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
DONE = [
    {
        "role": "assistant",
        "parts": [{"type": "text", "content": "done"}],
        "finish_reason": "stop",
    }
]


def said(api: str, request: object, answer: object, *paths: str, streamed: bool = False) -> Content:
    body = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
    redact = [ContentPath(path) for path in paths]
    return captured(api, msgspec.json.encode(request), body, redact, streamed=streamed)


def read(written: str) -> Any:
    return msgspec.json.decode(written)


def test_a_chat_is_told_from_its_instructions_to_its_answer() -> None:
    content = said("chat", CHAT, CHAT_ANSWER)
    assert read(content.instructions) == [{"type": "text", "content": "be brief"}]
    assert [each["role"] for each in read(content.input)] == ["user", "assistant", "tool"]
    (call,) = read(content.input)[1]["parts"]
    assert call == {
        "type": "tool_call",
        "id": "call_1",
        "name": "pay",
        "arguments": '{"iban":1}',
    }
    assert read(content.output) == DONE
    assert not content.truncated


@pytest.mark.parametrize(
    ("api", "request_", "answer", "streamed"),
    [
        ("chat", CHAT, CHAT_STREAM + STREAM_END, True),
        ("messages", {"model": "m", "max_tokens": 1, "messages": []}, MESSAGES_ANSWER, False),
        ("responses", {"model": "m", "input": "hi"}, RESPONSES_STREAM, True),
        (
            "session",
            {"model": "m", "input": "hi"},
            {"status": "completed", "output": [{"type": "message", "content": [{"text": "done"}]}]},
            False,
        ),
    ],
)
def test_answers_of_every_conversation_are_told_alike(
    api: str, request_: object, answer: object, streamed: bool
) -> None:
    assert read(said(api, request_, answer, streamed=streamed).output) == DONE


def test_a_stream_that_was_cut_off_is_told_as_far_as_it_came() -> None:
    (message,) = read(said("chat", CHAT, CHAT_STREAM, streamed=True).output)
    assert message["parts"] == [{"type": "text", "content": "done"}]
    assert message["finish_reason"] == "length"


def test_pictures_are_named_and_not_shown() -> None:
    url = "data:image/png;base64," + "A" * 99
    parts = [{"type": "image_url", "image_url": {"url": url}}]
    content = said("chat", {"model": "m", "messages": [{"role": "user", "content": parts}]}, {})
    assert read(content.input)[0]["parts"] == [{"type": "blob", "modality": "image"}]


def test_other_apis_say_nothing() -> None:
    assert said("embeddings", {"model": "m", "input": "secret"}, {}) == Content()


def test_what_cannot_be_read_says_nothing() -> None:
    assert said("chat", {"model": "m", "messages": 3}, b"<html>") == Content()


def test_only_the_newest_messages_are_kept_of_a_long_conversation() -> None:
    turns = [{"role": "user", "content": f"{at} " + "x" * 1_000} for at in range(100)]
    content = said("chat", {"model": "m", "messages": turns}, CHAT_ANSWER)
    assert len(content.input) <= ROOM
    assert read(content.input)[-1]["parts"][0]["content"].startswith("99 ")
    assert content.truncated


def test_a_request_that_is_too_large_to_read_is_left_out() -> None:
    turn = {"role": "user", "content": "x" * LARGEST_REQUEST}
    content = said("chat", {"model": "m", "messages": [turn]}, CHAT_ANSWER)
    assert (content.input, read(content.output), content.truncated) == ("", DONE, True)


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("$.input[*].parts[*].arguments", "arguments"),
        ("$..arguments", "arguments"),
        ("$.input[1].parts[0].arguments", "arguments"),
    ],
)
def test_a_path_keeps_a_part_out(path: str, kept: str) -> None:
    content = said("chat", CHAT, CHAT_ANSWER, path)
    assert "iban" not in content.input
    assert read(content.input)[1]["parts"][0][kept] == "[redacted]"
    assert "be brief" in content.instructions


@pytest.mark.parametrize("path", ["$.input", "$.*", "$..*"])
def test_a_path_may_keep_everything_out(path: str) -> None:
    content = said("chat", CHAT, CHAT_ANSWER, path)
    assert "iban" not in content.input
    assert "hi" not in content.input


@pytest.mark.parametrize("path", ["$.nothing", "$.input[99].parts", "$.input.parts", "$..nobody"])
def test_a_path_that_leads_nowhere_changes_nothing(path: str) -> None:
    assert said("chat", CHAT, CHAT_ANSWER, path) == said("chat", CHAT, CHAT_ANSWER)
