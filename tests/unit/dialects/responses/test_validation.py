"""What OpenAI refuses, refused for models of others too, in the same words."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.dialects.conversation import Json
from unit.dialects.responses.asking import (
    PROVIDERS,
    function,
    message,
    namespace,
    refused,
    sent,
    text,
    user,
    whole,
)

CALLS: list[tuple[Json, Json, str]] = [
    (
        {"type": "function_call", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "output": "Rain"},
        "function call",
    ),
    (
        {"type": "custom_tool_call", "name": "sql", "input": "x"},
        {"type": "custom_tool_call_output", "output": "1"},
        "custom tool call",
    ),
    (
        {"type": "local_shell_call", "action": {"type": "exec", "command": ["ls"], "env": {}}},
        {"type": "local_shell_call_output", "output": "{}"},
        "local shell call",
    ),
    (
        {"type": "shell_call", "action": {"commands": ["ls"]}},
        {"type": "shell_call_output", "output": []},
        "shell call",
    ),
    (
        {"type": "apply_patch_call", "operation": {"type": "delete_file", "path": "a"}},
        {"type": "apply_patch_call_output", "status": "completed"},
        "apply patch call",
    ),
]


@pytest.mark.parametrize(("call", "output", "words"), CALLS)
def test_an_output_without_its_call_is_refused(call: Json, output: Json, words: str) -> None:
    failure = refused(user(), {**output, "call_id": "c1"})
    expected = f"No tool call found for {words} output with call_id c1."
    assert (failure.message, failure.param) == (expected, "input")
    failure = refused(user(), {**output, "call_id": "c1"}, {**call, "call_id": "c1"})
    assert failure.message == expected


@pytest.mark.parametrize(("call", "output", "words"), CALLS)
def test_a_call_without_its_output_is_refused(call: Json, output: Json, words: str) -> None:
    other = {**output, "call_id": "c2"}
    failure = refused(user(), {**call, "call_id": "c1"}, {**call, "call_id": "c2"}, other)
    expected = f"No tool output found for {words} c1."
    assert (failure.message, failure.param) == (expected, "input")


@pytest.mark.parametrize("speech", PROVIDERS)
@pytest.mark.parametrize(("call", "output", "words"), CALLS)
def test_a_call_with_its_output_is_taken(speech: str, call: Json, output: Json, words: str) -> None:
    assert sent(speech, user(), {**call, "call_id": "c1"}, {**output, "call_id": "c1"})


@pytest.mark.parametrize(
    "broken",
    [
        {"type": "local_shell_call_output", "output": "{}"},
        {"type": "shell_call_output", "call_id": "c1", "output": [{"stdout": "a"}]},
        {"type": "apply_patch_call", "call_id": "c1", "operation": {"type": "move_file"}},
        {"type": "shell_call", "call_id": "c1", "action": {"commands": "ls"}},
        {"type": "custom_tool_call", "call_id": "c1", "name": "x"},
    ],
)
def test_an_item_that_is_written_wrongly_is_named(broken: Json) -> None:
    assert str(refused(user(), broken).param).startswith("input[1]")


@pytest.mark.parametrize(
    "tools",
    [
        [function(), function("time"), function()],
        [function(), function("time"), {"type": "custom", "name": "weather"}],
        [{"type": "shell"}, function(), {"type": "shell"}],
    ],
)
def test_two_tools_of_one_name_are_refused(tools: list[Json]) -> None:
    assert refused(tools=tools).param == "tools[2]"


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "function", "name": "time"},
        {"type": "custom", "name": "weather"},
        {"type": "function", "name": "weather", "namespace": "crm"},
        {"type": "namespace", "name": "erp"},
        {"type": "shell"},
        {"type": "web_search_preview"},
        {"type": "mcp", "server_label": "x"},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "time"}]},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "web_search"}]},
        {"type": "allowed_tools", "mode": "auto"},
    ],
)
def test_a_choice_of_what_is_not_there_is_refused(choice: Json) -> None:
    tools = [function(), namespace("crm", function("get")), {"type": "web_search"}]
    assert refused(tools=tools, tool_choice=choice).param == "tool_choice"


@pytest.mark.parametrize(
    "metadata",
    [
        {str(number): "x" for number in range(17)},
        {"k" * 65: "x"},
        {"k": "x" * 513},
        {"k": 1},
        ["k"],
    ],
)
def test_bad_metadata_is_refused(metadata: Any) -> None:
    assert str(refused(metadata=metadata).param).startswith("metadata")


@pytest.mark.parametrize("speech", PROVIDERS)
def test_a_number_of_tool_calls_is_taken(speech: str) -> None:
    assert sent(speech, tools=[function()], max_tool_calls=2)
    reply = message([text("Yes.")])
    assert whole("messages", reply, max_tool_calls=2)["max_tool_calls"] == 2
    assert refused(speech=speech, max_tool_calls=0).param == "max_tool_calls"


def test_how_wordy_to_be_is_told_to_models_with_a_word_for_it() -> None:
    wordy: Json = {"input": "Hi", "text": {"verbosity": "low"}}
    assert sent("openai", **wordy)["verbosity"] == "low"
    for speech in PROVIDERS:
        assert sent(speech, **wordy) == sent(speech, input="Hi")


def test_a_response_repeats_what_was_asked_as_openai_would() -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    asked: dict[str, Any] = {
        "tools": [function(), namespace("crm", function("get")), {"type": "web_search"}],
        "tool_choice": {"type": "function", "name": "weather"},
        "text": {"format": {"type": "json_schema", "name": "a", "schema": schema}},
        "metadata": {"k": "v"},
    }
    response = whole("messages", message([text("{}")]), **asked)
    format_ = {"description": None, "strict": False, **asked["text"]["format"]}
    assert {name: response[name] for name in asked} == asked | {
        "tools": [{"description": None, **function()}, *asked["tools"][1:]],
        "text": {"format": format_},
    }
