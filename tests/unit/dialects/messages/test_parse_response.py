"""Anthropic's whole messages, read as answers."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.dialects.conversation import (
    Citation,
    Destination,
    Json,
    Opaque,
    Reasoning,
    Text,
    ToolCall,
    Usage,
)
from airouter.dialects.messages import UPSTREAM
from airouter.dialects.messages.render_tools import ANSWER_TOOL
from airouter.failures import Failure
from airouter.interfaces import BrokenReply
from unit.dialects.messages.asking import (
    CALL,
    CITATION,
    SONNET,
    answer,
    answer_to,
    own,
    rendered,
    response,
)

DEEP = b'{"content":[],"x":' + b"[" * 200_000
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
    assert parts_of(thought, hidden, SEARCH, text, CALL) == (
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
    said = CALL if stop == "tool_calls" else {"type": "text", "text": "Hi"}
    assert answer_to(response(said, reason=reason)).choices[0].stop == stop
    assert rendered(answer(Text(text="Hi"), stop=stop))["stop_reason"] == reason


def test_a_reason_that_is_new_is_an_end() -> None:
    said = {"type": "text", "text": "Hi"}
    assert answer_to(response(said, reason="bored")).choices[0].stop == "end"


def test_whether_there_are_calls_is_seen_from_them() -> None:
    said = {"type": "text", "text": "Hi"}
    assert answer_to(response(CALL, reason="end_turn")).choices[0].stop == "tool_calls"
    assert answer_to(response(said, reason="tool_use")).choices[0].stop == "end"


def test_arguments_that_are_json_already_stay_so() -> None:
    (called,) = answer_to(response({**CALL, "input": '{"city":"Oslo"}'})).choices[0].parts
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
    usage = answer_to(response(CALL, usage=counts)).usage
    assert usage == Usage(
        input_tokens=14, output_tokens=5, cached_tokens=3, cache_write_tokens=2, reasoning_tokens=4
    )
    assert rendered(answer(Text(text="Hi"), usage=usage))["usage"] == counts


def test_the_tool_that_stands_for_the_answer_is_the_answer() -> None:
    by_tool = {**CALL, "name": ANSWER_TOOL}
    choice = answer_to(response(by_tool, reason="tool_use")).choices[0]
    assert (choice.parts, choice.stop) == ((Text(text='{"city":"Oslo"}'),), "end")
    both = answer_to(response(by_tool, CALL, reason="tool_use")).choices[0]
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
