"""Tools of the client: custom ones, its shell and its patches, as functions and back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.dialects.conversation import Json
from unit.dialects.responses.asking import (
    GEMINI,
    PROVIDERS,
    both,
    call_of,
    calling,
    candidate,
    candidate_stream,
    function,
    kinds,
    message_stream,
    refused,
    sent,
    streamed,
    text,
    tool_use,
    tools_in,
    user,
    whole,
)

GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": 'start: "SELECT" /.+/'}
SQL: Json = {"type": "custom", "name": "sql", "description": "Asks.", "format": GRAMMAR}
LOCAL: list[Json] = [{"type": "local_shell"}, {"type": "shell"}, {"type": "apply_patch"}]
CASES: list[tuple[str, Json, Json]] = [
    (
        "local_shell",
        {"command": ["ls", "-l"], "working_directory": "/tmp"},
        {
            "type": "local_shell_call",
            "action": {
                "type": "exec",
                "command": ["ls", "-l"],
                "env": {},
                "timeout_ms": None,
                "user": None,
                "working_directory": "/tmp",
            },
        },
    ),
    (
        "shell",
        {"commands": ["ls", "pwd"], "timeout_ms": 500},
        {
            "type": "shell_call",
            "action": {"commands": ["ls", "pwd"], "timeout_ms": 500, "max_output_length": None},
        },
    ),
    (
        "apply_patch",
        {"type": "create_file", "path": "a.txt", "diff": "+Hi"},
        {
            "type": "apply_patch_call",
            "operation": {"type": "create_file", "path": "a.txt", "diff": "+Hi"},
        },
    ),
    (
        "apply_patch",
        {"type": "delete_file", "path": "a.txt"},
        {
            "type": "apply_patch_call",
            "operation": {"type": "delete_file", "path": "a.txt"},
        },
    ),
]


@pytest.mark.parametrize("speech", PROVIDERS)
def test_a_model_is_told_the_grammar_of_a_custom_tool(speech: str) -> None:
    tool = tools_in(speech, sent(speech, tools=[SQL]))["sql"]
    assert tool["description"].startswith("Asks.\n\n")
    assert "lark" in tool["description"]
    assert GRAMMAR["definition"] in tool["description"]
    assert tool["parameters"]["required"] == ["input"]


@pytest.mark.parametrize("format_", [None, {"type": "text"}])
def test_a_custom_tool_without_a_grammar_keeps_its_description(format_: Json | None) -> None:
    asked = sent("messages", tools=[{**SQL, "format": format_}])
    assert tools_in("messages", asked)["sql"]["description"] == "Asks."


@pytest.mark.parametrize("speech", PROVIDERS)
def test_a_call_of_a_custom_tool_comes_back_as_text(speech: str) -> None:
    (item,) = both(speech, call_of(speech, "sql", input="SELECT 1"), tools=[SQL])
    assert item["type"] == "custom_tool_call"
    assert item["id"].startswith("ctc_")
    assert (item["name"], item["input"]) == ("sql", "SELECT 1")


def test_the_text_of_a_custom_tool_is_streamed_under_its_own_events() -> None:
    events = streamed("messages", message_stream([tool_use("sql", input="SELECT")]), tools=[SQL])
    assert kinds(events)[2:-1] == [
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
    ]
    assert events[2]["item"]["input"] == ""
    assert events[4]["input"] == "SELECT"


def test_a_custom_call_and_its_output_go_back_to_the_model() -> None:
    items = (
        user(),
        {"type": "custom_tool_call", "call_id": "c1", "name": "sql", "input": "SELECT 1"},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "1"},
    )
    asked = sent("messages", *items, tools=[SQL])
    assert asked["messages"][1]["content"][0]["input"] == {"input": "SELECT 1"}
    assert asked["messages"][2]["content"][0]["content"] == [{"type": "text", "text": "1"}]


@pytest.mark.parametrize("speech", PROVIDERS)
def test_the_tools_that_openai_clients_run_are_functions(speech: str) -> None:
    tools = tools_in(speech, sent(speech, tools=LOCAL))
    assert {name: tool["parameters"]["required"] for name, tool in tools.items()} == {
        "local_shell": ["command"],
        "shell": ["commands"],
        "apply_patch": ["type", "path"],
    }
    assert all(tool["description"] for tool in tools.values())


@pytest.mark.parametrize("speech", PROVIDERS)
@pytest.mark.parametrize(("name", "arguments", "item"), CASES)
def test_a_call_of_one_is_the_item_that_its_client_waits_for(
    speech: str, name: str, arguments: Json, item: Json
) -> None:
    (called,) = both(speech, call_of(speech, name, **arguments), tools=LOCAL)
    fields = {key: called[key] for key in item}
    assert fields == item
    assert called["status"] == "completed"
    assert called["call_id"]


@pytest.mark.parametrize(("name", "arguments", "item"), CASES)
def test_such_a_call_goes_back_as_it_was_made(name: str, arguments: Json, item: Json) -> None:
    items = (user(), {"call_id": "c1", "status": "completed", **item}, output_of(name))
    asked = sent("messages", *items, tools=LOCAL)
    assert asked["messages"][1]["content"][0] == {
        "type": "tool_use",
        "id": "c1",
        "name": name,
        "input": {"env": {}, **arguments} if "env" in str(asked["messages"][1]) else arguments,
    }
    assert asked["messages"][2]["content"][0]["tool_use_id"] == "c1"


def output_of(name: str) -> Json:
    """What a client says to a call."""
    if name == "shell":
        outcome = {"type": "exit", "exit_code": 1}
        output: Any = [{"stdout": "a\n", "stderr": "b", "outcome": outcome}]
        return {"type": "shell_call_output", "call_id": "c1", "output": output}
    if name == "apply_patch":
        return {"type": "apply_patch_call_output", "call_id": "c1", "status": "completed"}
    return {"type": "local_shell_call_output", "call_id": "c1", "output": "{}"}


def test_what_a_shell_printed_is_told_with_how_it_ended() -> None:
    items = (user(), {"call_id": "c1", **CASES[1][2]}, output_of("shell"))
    asked = sent("messages", *items, tools=LOCAL)
    (said,) = asked["messages"][2]["content"][0]["content"]
    assert msgspec.json.decode(said["text"]) == [
        {"stdout": "a\n", "stderr": "b", "outcome": {"type": "exit", "exit_code": 1}}
    ]


def test_a_patch_that_failed_is_told_as_one() -> None:
    failed = {**output_of("apply_patch"), "status": "failed", "output": "No such file"}
    items = (user(), {"call_id": "c1", **CASES[2][2]}, failed)
    (result,) = sent("messages", *items, tools=LOCAL)["messages"][2]["content"]
    assert result["is_error"] is True
    assert result["content"] == [{"type": "text", "text": "No such file"}]


def test_an_output_may_name_the_item_of_its_call() -> None:
    called = {"id": "lsh_1", "call_id": "c1", **CASES[0][2]}
    answered = {"type": "local_shell_call_output", "id": "lsh_1", "output": "{}"}
    asked = sent("messages", user(), called, answered, tools=LOCAL)
    assert asked["messages"][2]["content"][0]["tool_use_id"] == "c1"


def test_a_call_is_told_when_it_is_whole() -> None:
    events = streamed(
        "messages",
        message_stream([text("Look."), tool_use("shell", commands=["ls"])]),
        tools=LOCAL,
    )
    assert kinds(events)[-3:] == ["output_item.added", "output_item.done", "completed"]
    assert events[-3]["item"] == {**events[-2]["item"], "status": "in_progress"}


@pytest.mark.parametrize("name", ["local_shell", "shell", "apply_patch"])
def test_arguments_that_cannot_be_read_run_nothing(name: str) -> None:
    (item,) = both("messages", [tool_use(name, oops="rm -rf /")], tools=LOCAL)
    assert "rm" not in str(item)
    if name != "apply_patch":
        assert item["status"] == "incomplete"


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("local_shell", {"command": "ls | wc"}, ["bash", "-lc", "ls | wc"]),
        ("shell", {"commands": "ls | wc"}, ["ls | wc"]),
    ],
)
def test_a_command_may_be_a_line(name: str, arguments: Json, said: list[str]) -> None:
    (item,) = both("messages", [tool_use(name, **arguments)], tools=LOCAL)
    assert said in item["action"].values()


def test_a_signature_travels_before_such_a_call_and_back() -> None:
    part = {**calling("shell", commands=["ls"]), "thoughtSignature": "c2ln"}
    thought, item = whole("gemini", candidate([part]), tools=LOCAL)["output"]
    assert thought["type"] == "reasoning"
    events = streamed("gemini", candidate_stream([part]), tools=LOCAL)
    assert [i["type"] for i in events[-1]["response"]["output"]] == ["reasoning", "shell_call"]
    outcome = {"type": "exit", "exit_code": 0}
    answered = {
        "type": "shell_call_output",
        "call_id": item["call_id"],
        "output": [{"stdout": "a", "stderr": "", "outcome": outcome}],
    }
    asked = sent("gemini", user(), thought, item, answered, tools=LOCAL)
    assert asked["contents"][1]["parts"] == [
        {
            "functionCall": {"name": "shell", "args": {"commands": ["ls"]}},
            "thoughtSignature": "c2ln",
        }
    ], GEMINI


@pytest.mark.parametrize("name", ["shell", "apply_patch"])
def test_such_a_tool_may_be_chosen(name: str) -> None:
    asked = sent("messages", tools=LOCAL, tool_choice={"type": name})
    assert asked["tool_choice"] == {"type": "tool", "name": name}


def test_a_function_of_the_same_name_is_another_tool() -> None:
    tools = [function("shell"), {"type": "shell"}]
    names = list(tools_in("messages", sent("messages", tools=tools)))
    assert names[0] == "shell" != names[1]
    plain, local = both(
        "messages", [tool_use("shell"), tool_use(names[1], commands=["ls"])], tools=tools
    )
    assert (plain["type"], local["type"]) == ("function_call", "shell_call")


def test_a_shell_in_a_container_of_openai_is_refused() -> None:
    failure = refused(tools=[{"type": "shell", "environment": {"type": "container_auto"}}])
    assert failure.param == "tools[0]"
    assert "'local'" in failure.message


@pytest.mark.parametrize("speech", PROVIDERS)
@pytest.mark.parametrize(
    "kind",
    [
        "file_search",
        "computer",
        "computer_use_preview",
        "mcp",
        "image_generation",
        "tool_search",
        "programmatic_tool_calling",
    ],
)
def test_a_tool_that_only_openai_has_is_refused_by_its_place(speech: str, kind: str) -> None:
    failure = refused(speech=speech, tools=[{"type": kind}])
    assert failure.param == "tools[0]"
    assert f"'{kind}'" in failure.message
    assert ": " in failure.message, "what to do instead"


def test_arguments_that_were_cut_off_run_nothing() -> None:
    called = {"name": "shell", "arguments": '{"commands": ["rm -rf /'}
    call = {"id": "c1", "type": "function", "function": called}
    choice = {"index": 0, "message": {"tool_calls": [call]}, "finish_reason": "length"}
    reply = {"id": "c", "created": 1, "model": "m", "choices": [choice]}
    (item,) = whole("openai", reply, tools=LOCAL)["output"]
    assert (item["status"], item["action"]) == ("incomplete", {"commands": []})


@pytest.mark.parametrize("tool", [{"name": "f"}, {"type": 7}])
def test_a_tool_without_a_type_is_named(tool: Json) -> None:
    assert refused(tools=[function(), tool]).param == "tools[1].type"


@pytest.mark.parametrize("mode", ["auto", "none", "required"])
def test_a_mode_of_choosing_is_passed_on(mode: str) -> None:
    kind = {"required": "any"}.get(mode, mode)
    asked = sent("messages", tools=[function()], tool_choice=mode)
    assert asked["tool_choice"] == {"type": kind}
