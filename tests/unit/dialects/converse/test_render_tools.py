"""Tools, and which of them is to be called."""

from __future__ import annotations

import pytest

from airouter.dialects.conversation import (
    CachePoint,
    HostedTool,
    Json,
    Tool,
    ToolChoice,
    Turn,
    Unsupported,
)
from unit.dialects.converse.asking import (
    LLAMA,
    NOVA,
    SONNET,
    WEATHER,
    asked,
    body_of,
    call,
    result,
    say,
)

ANSWERED = [say("user", "Go."), say("assistant", call("1")), say("user", result("1", "Sun"))]
NO_TOOLS = {"text": "Do not call any tool. Answer in text."}
TIME = Tool(name="time")


def config_of(*tools: Tool | HostedTool, turns: tuple[Turn, ...] = (), **more: object) -> Json:
    config: Json = body_of(asked(*turns, tools=tools, **more))["toolConfig"]
    return config


def spec_of(tool: Tool) -> Json:
    spec: Json = config_of(tool)["tools"][0]["toolSpec"]
    return spec


def test_a_tool_is_declared_with_its_schema() -> None:
    assert config_of(WEATHER) == {
        "tools": [
            {
                "toolSpec": {
                    "name": "weather",
                    "description": "Tells the weather.",
                    "inputSchema": {"json": WEATHER.parameters},
                }
            }
        ]
    }


@pytest.mark.parametrize("description", [None, ""])
def test_a_tool_without_a_description_is_described_by_its_name(description: str | None) -> None:
    assert spec_of(Tool(name="time", description=description))["description"] == "time"


@pytest.mark.parametrize(
    ("parameters", "schema"),
    [
        (None, {"type": "object", "properties": {}}),
        ({"properties": {"a": {}}}, {"type": "object", "properties": {"a": {}}}),
    ],
)
def test_a_schema_is_always_that_of_an_object(parameters: Json | None, schema: Json) -> None:
    assert spec_of(Tool(name="time", parameters=parameters))["inputSchema"] == {"json": schema}


def test_a_custom_tool_takes_one_text() -> None:
    schema = spec_of(Tool(name="sql", custom=True))["inputSchema"]["json"]
    assert schema["properties"] == {"input": {"type": "string"}}
    assert schema["required"] == ["input"]


def test_a_strict_tool_has_a_closed_schema() -> None:
    spec = spec_of(Tool(name="weather", parameters=WEATHER.parameters, strict=True))
    assert spec["strict"] is True
    assert spec["inputSchema"]["json"]["additionalProperties"] is False


def test_a_tool_that_another_provider_runs_is_refused() -> None:
    with pytest.raises(Unsupported, match="web_search") as raised:
        config_of(HostedTool(kind="web_search", dialect="messages", native={}))
    assert raised.value.field == "tools"


@pytest.mark.parametrize(("model", "cached"), [(SONNET, True), (NOVA, False), (LLAMA, False)])
def test_tools_are_cached_by_models_that_can(model: str, cached: bool) -> None:
    tool = Tool(name="time", cache=CachePoint())
    tools = body_of(asked(tools=(tool, WEATHER)), model)["toolConfig"]["tools"]
    assert ({"cachePoint": {"type": "default"}} in tools) == cached


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice(mode="auto"), {"auto": {}}),
        (ToolChoice(mode="required"), {"any": {}}),
        (ToolChoice(mode="required", names=("weather",)), {"tool": {"name": "weather"}}),
    ],
)
def test_a_choice_is_said_in_converses_words(choice: ToolChoice, expected: Json) -> None:
    assert config_of(WEATHER, tool_choice=choice)["toolChoice"] == expected


@pytest.mark.parametrize(
    "choice",
    [
        ToolChoice(mode="required", names=("weather", "time")),
        ToolChoice(mode="auto", names=("weather",)),
    ],
)
def test_only_the_tools_that_may_be_called_are_there(choice: ToolChoice) -> None:
    config = config_of(WEATHER, TIME, Tool(name="other"), tool_choice=choice)
    assert [tool["toolSpec"]["name"] for tool in config["tools"]] == list(choice.names)
    mode = "any" if choice.mode == "required" else "auto"
    assert config["toolChoice"] == {mode: {}}


def test_that_no_tool_may_be_called_is_asked_in_words_and_the_tools_stay() -> None:
    body = body_of(asked(*ANSWERED, tools=(WEATHER,), tool_choice=ToolChoice(mode="none")))
    assert body["system"] == [NO_TOOLS]
    assert "toolChoice" not in body["toolConfig"]
    assert len(body["toolConfig"]["tools"]) == 1


def test_nothing_is_forbidden_where_there_are_no_tools() -> None:
    assert set(body_of(asked(tool_choice=ToolChoice(mode="none")))) == {"messages"}


def test_calls_in_the_history_declare_their_tools() -> None:
    config = body_of(asked(*ANSWERED))["toolConfig"]
    assert [tool["toolSpec"]["name"] for tool in config["tools"]] == ["weather"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, {"type": "auto"}),
        (ToolChoice(mode="auto"), {"type": "auto"}),
        (ToolChoice(mode="required"), {"type": "any"}),
        (ToolChoice(mode="required", names=("weather",)), {"type": "tool", "name": "weather"}),
    ],
)
def test_claude_is_held_to_one_tool_at_a_time_by_a_single_choice(
    choice: ToolChoice | None, expected: Json
) -> None:
    body = body_of(asked(tools=(WEATHER,), tool_choice=choice, parallel_tool_calls=False))
    assert body["additionalModelRequestFields"] == {
        "tool_choice": {**expected, "disable_parallel_tool_use": True}
    }
    assert "toolChoice" not in body["toolConfig"]


def test_one_tool_at_a_time_needs_no_word_where_none_may_be_called() -> None:
    none = ToolChoice(mode="none")
    body = body_of(asked(tools=(WEATHER,), tool_choice=none, parallel_tool_calls=False))
    assert "additionalModelRequestFields" not in body


def test_for_one_tool_at_a_time_other_models_have_no_word() -> None:
    body = body_of(asked(tools=(WEATHER,), parallel_tool_calls=False), NOVA)
    assert set(body) == {"messages", "toolConfig"}


@pytest.mark.parametrize("parallel", [False, True])
def test_without_tools_it_does_not_matter(parallel: bool) -> None:
    assert set(body_of(asked(parallel_tool_calls=parallel), NOVA)) == {"messages"}
