"""A client that looks for its tools by a search of its own, as Codex does, finds them."""

from __future__ import annotations

import msgspec
import pytest

from airouter.dialects.conversation import Json
from unit.dialects.responses.asking import PROVIDERS, function, refused, sent, user, whole

SEARCH: Json = {
    "type": "tool_search",
    "execution": "client",
    "description": "Searches the catalogue.",
    "parameters": {"type": "object", "properties": {"words": {"type": "string"}}},
}
CALL: Json = {
    "type": "tool_search_call",
    "id": "tsc_1",
    "call_id": "c1",
    "execution": "client",
    "status": "completed",
    "arguments": {"words": "time"},
}
FOUND: Json = {
    "type": "tool_search_output",
    "call_id": "c1",
    "execution": "client",
    "status": "completed",
    "tools": [{"type": "namespace", "name": "clock", "tools": [function("time")]}],
}


def replied(arguments: str) -> Json:
    """What a model of chat says that wants to search."""
    called = {"name": "tool_search", "arguments": arguments}
    call = {"id": "c1", "type": "function", "function": called}
    choice = {"index": 0, "message": {"tool_calls": [call]}, "finish_reason": "tool_calls"}
    return {"id": "c", "created": 1, "model": "m", "choices": [choice]}


def test_a_search_is_a_function_in_the_words_of_its_client() -> None:
    (tool,) = sent("messages", user(), tools=[SEARCH])["tools"]
    assert (tool["name"], tool["description"]) == ("tool_search", SEARCH["description"])
    assert tool["input_schema"]["properties"] == {"words": {"type": "string"}}


def test_a_call_of_it_is_the_item_that_the_client_waits_for() -> None:
    (item,) = whole("openai", replied('{"words": "time"}'), tools=[SEARCH])["output"]
    assert (item["type"], item["call_id"], item["execution"]) == (
        "tool_search_call",
        "c1",
        "client",
    )
    assert item["arguments"] == {"words": "time"}


@pytest.mark.parametrize("speech", PROVIDERS)
def test_what_was_found_can_be_called(speech: str) -> None:
    asked = msgspec.json.encode(sent(speech, user(), CALL, FOUND, tools=[SEARCH])).decode()
    assert "clock__time" in asked
    assert "These tools can be called now: clock." in asked


def test_a_search_without_its_output_is_refused() -> None:
    assert "tool search call" in refused(user(), CALL, tools=[SEARCH]).message


@pytest.mark.parametrize("item", [CALL, FOUND])
def test_a_search_by_openai_is_a_record_that_another_model_does_without(item: Json) -> None:
    asked = sent("messages", user("Hello"), {**item, "execution": "server"})
    assert len(asked["messages"]) == 1
