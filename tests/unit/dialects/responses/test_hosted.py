"""Tools that a provider runs: asked for in OpenAI's words, and told in them."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.dialects.conversation import Json
from unit.dialects.responses.asking import (
    both,
    function,
    kinds,
    message,
    message_stream,
    refused,
    sent,
    streamed,
    text,
    user,
    whole,
)

SEARCHES = ("web_search", "web_search_preview", "web_search_2025_08_26")
CODE: Json = {"type": "code_interpreter", "container": {"type": "auto"}}
FOUND: Json = {
    "type": "web_search_result",
    "title": "Rain",
    "url": "https://rain.test",
    "encrypted_content": "ZW5j",
    "page_age": None,
}
CITED: Json = {
    "type": "web_search_result_location",
    "url": "https://rain.test",
    "title": "Rain",
    "cited_text": "It rains.",
    "encrypted_index": "aW5k",
}


def search(query: str = "rain", id_: str = "srvtoolu_1") -> Json:
    return {"type": "server_tool_use", "id": id_, "name": "web_search", "input": {"query": query}}


def found(content: Any = (FOUND,), id_: str = "srvtoolu_1") -> Json:
    content = list(content) if isinstance(content, tuple) else content
    return {"type": "web_search_tool_result", "tool_use_id": id_, "content": content}


@pytest.mark.parametrize("kind", SEARCHES)
def test_a_search_of_the_web_is_each_providers_own(kind: str) -> None:
    tool = {"type": kind, "search_context_size": "high"}
    assert sent("messages", tools=[tool])["tools"] == [
        {"type": "web_search_20250305", "name": "web_search"}
    ]
    assert sent("gemini", tools=[tool])["tools"] == [{"googleSearch": {}}]
    assert refused(speech="converse", tools=[tool]).param == "tools[0]"


def test_where_to_search_is_told() -> None:
    tool = {
        "type": "web_search",
        "filters": {"allowed_domains": ["a.test"]},
        "user_location": {"type": "approximate", "city": "Zürich", "country": "CH"},
    }
    assert sent("messages", tools=[tool, function()], max_tool_calls=3)["tools"][0] == {
        "type": "web_search_20250305",
        "name": "web_search",
        "allowed_domains": ["a.test"],
        "user_location": {"type": "approximate", "city": "Zürich", "country": "CH"},
        "max_uses": 3,
    }
    assert refused(speech="gemini", tools=[tool]).param == "tools[0]"


def test_a_search_of_old_pages_only_is_refused() -> None:
    tool = {"type": "web_search", "external_web_access": False}
    assert refused(tools=[tool]).param == "tools[0]"


def test_a_search_of_old_pages_is_left_out_where_there_are_functions() -> None:
    tool = {"type": "web_search", "external_web_access": False}
    assert [tool["name"] for tool in sent("messages", tools=[tool, function()])["tools"]] == [
        "weather"
    ]


@pytest.mark.parametrize("speech", ["openai", "gemini", "converse"])
def test_a_search_is_left_out_where_it_is_not_to_be_had_beside_functions(speech: str) -> None:
    assert sent(speech, tools=[function(), {"type": "web_search"}]) == sent(
        speech, tools=[function()]
    )


def test_a_search_that_is_written_wrongly_is_refused() -> None:
    assert refused(tools=[{"type": "web_search", "filters": "a.test"}]).param == "tools[0].filters"


def test_gemini_runs_code_only_without_functions() -> None:
    assert refused(speech="gemini", tools=[function(), CODE]).param == "tools[1]"


def test_code_is_run_where_a_provider_does_that() -> None:
    assert sent("gemini", tools=[CODE])["tools"] == [{"codeExecution": {}}]
    assert sent("messages", tools=[CODE])["tools"] == [
        {"type": "code_execution_20250825", "name": "code_execution"}
    ]
    assert refused(speech="converse", tools=[CODE]).param == "tools[0]"


@pytest.mark.parametrize("speech", ["messages", "gemini"])
@pytest.mark.parametrize("container", ["cntr_1", {"type": "auto", "file_ids": ["file_1"]}])
def test_code_with_a_container_of_its_own_is_refused(speech: str, container: Any) -> None:
    tool = {"type": "code_interpreter", "container": container}
    assert refused(speech=speech, tools=[tool]).param == "tools[0]"


def test_a_search_is_told_as_an_item_between_the_texts() -> None:
    content = [text("Let me see."), search(), found(), text("It rains.", CITED)]
    before, item, after = both("messages", content)
    assert item["id"].startswith("ws_")
    assert {key: item[key] for key in ("type", "status", "action")} == {
        "type": "web_search_call",
        "status": "completed",
        "action": {"type": "search", "query": "rain", "queries": ["rain"]},
    }
    assert before["content"][0]["text"] == "Let me see."
    assert after["content"][0]["annotations"] == [
        {
            "type": "url_citation",
            "start_index": 0,
            "end_index": 9,
            "url": "https://rain.test",
            "title": "Rain",
        }
    ]


def test_a_search_is_streamed_as_it_runs() -> None:
    events = streamed("messages", message_stream([search(), found(), text("It rains.", CITED)]))
    assert kinds(events)[2:8] == [
        "output_item.added",
        "web_search_call.in_progress",
        "web_search_call.searching",
        "web_search_call.completed",
        "output_item.done",
        "output_item.added",
    ]
    assert events[2]["item"]["status"] == "in_progress"
    (cited,) = [event for event in events if event["type"].endswith("annotation.added")]
    last = events[-1]["response"]["output"][-1]["content"][0]
    assert last["annotations"] == [cited["annotation"]]


def test_a_search_that_failed_says_so() -> None:
    failed = found({"type": "web_search_tool_result_error", "error_code": "unavailable"})
    (item,) = both("messages", [search(), failed])
    assert item["status"] == "failed"
    events = streamed("messages", message_stream([search(), failed]))
    assert "web_search_call.completed" not in kinds(events)


@pytest.mark.parametrize(
    "content",
    [
        [search("a", "s1"), found(id_="s1"), search("b", "s2"), found(id_="s2")],
        [search("a", "s1"), search("b", "s2"), found(id_="s1"), found(id_="s2")],
        [search("a", "s1"), search("b", "s2")],
    ],
)
def test_every_search_is_an_item_of_its_own(content: list[Json]) -> None:
    items = both("messages", content)
    assert [item["action"]["query"] for item in items] == ["a", "b"]
    assert {item["status"] for item in items} == {"completed"}


def test_code_that_anthropic_ran_is_told() -> None:
    asked = {
        "type": "server_tool_use",
        "id": "s1",
        "name": "bash_code_execution",
        "input": {"command": "echo 4"},
    }
    result = {"type": "bash_code_execution_result", "stdout": "4\n", "stderr": "", "return_code": 0}
    gave = {"type": "bash_code_execution_tool_result", "tool_use_id": "s1", "content": result}
    (item,) = both("messages", [asked, gave])
    assert (item["type"], item["code"]) == ("code_interpreter_call", "echo 4")
    assert item["outputs"] == [{"type": "logs", "logs": "4\n"}]


@pytest.mark.parametrize(
    ("outcome", "status"), [("OUTCOME_OK", "completed"), ("OUTCOME_FAILED", "failed")]
)
def test_code_that_gemini_ran_is_told(outcome: str, status: str) -> None:
    parts: list[Json] = [
        {"text": "Let me see."},
        {"executableCode": {"language": "PYTHON", "code": "print(4)"}},
        {"codeExecutionResult": {"outcome": outcome, "output": "4\n"}},
        {"text": "It is 4."},
    ]
    _, item, _ = both("gemini", parts)
    assert (item["code"], item["status"]) == ("print(4)", status)
    assert item["outputs"] == [{"type": "logs", "logs": "4\n"}]


def test_a_part_without_an_item_is_left_out() -> None:
    fetched = {"type": "server_tool_use", "id": "s1", "name": "web_fetch", "input": {}}
    gave = {"type": "web_fetch_tool_result", "tool_use_id": "s1", "content": {}}
    items = both("messages", [text("One."), fetched, gave, text("Two.")])
    assert [part["text"] for part in items[0]["content"]] == ["One.", "Two."]


def test_what_was_found_comes_back_as_text_only() -> None:
    response = whole("messages", message([search(), found(), text("It rains.", CITED)]))
    asked = sent("messages", user(), *response["output"], user("And now?"))
    assert asked["messages"][1]["content"] == [{"type": "text", "text": "It rains."}]
