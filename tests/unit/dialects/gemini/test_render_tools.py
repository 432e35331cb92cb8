"""Tools and the choice between them."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.dialects.conversation import HostedTool, Json, Tool, ToolChoice, Unsupported
from unit.dialects.gemini.asking import WEATHER, asked, body_of

SEARCH = HostedTool(kind="web_search_20250305", dialect="messages", native={"max_uses": 3})
CODE = HostedTool(kind="code_interpreter", dialect="responses", native={})


def function(tool: Tool) -> Json:
    (tools,) = body_of(asked(tools=(tool,)))["tools"]
    (function,) = tools["functionDeclarations"]
    assert isinstance(function, dict)
    return function


def test_functions_keep_their_schemas_as_they_are() -> None:
    schema = {
        "type": "object",
        "properties": {"size": {"$ref": "#/$defs/Size"}, "n": {"type": ["integer", "null"]}},
        "$defs": {"Size": {"const": "big"}},
        "additionalProperties": False,
    }
    tool = Tool(name="order", description="Orders.", parameters=schema, strict=True)
    assert function(tool) == {
        "name": "order",
        "description": "Orders.",
        "parametersJsonSchema": schema,
    }


@pytest.mark.parametrize("parameters", [None, {}])
def test_a_function_may_be_without_parameters(parameters: Json | None) -> None:
    assert function(Tool(name="now", description="", parameters=parameters)) == {"name": "now"}


def test_a_custom_tool_is_a_function_of_one_text() -> None:
    schema = function(Tool(name="shell", custom=True))["parametersJsonSchema"]
    assert schema["properties"] == {"input": {"type": "string"}}
    assert schema["required"] == ["input"]


def test_all_functions_stand_together() -> None:
    (tools,) = body_of(asked(tools=(WEATHER, Tool(name="now"))))["tools"]
    assert [each["name"] for each in tools["functionDeclarations"]] == ["weather", "now"]


@pytest.mark.parametrize("name", ["_a", "a.b:c-d", "A1", "a" * 64])
def test_a_name_that_google_takes_is_sent(name: str) -> None:
    assert function(Tool(name=name))["name"] == name


@pytest.mark.parametrize("kind", ["web_search_20250305", "web_search", "web_search_preview"])
def test_a_search_on_the_web_is_google_s(kind: str) -> None:
    tool = HostedTool(kind=kind, dialect="messages", native={"type": kind})
    assert body_of(asked(tools=(tool,)))["tools"] == [{"googleSearch": {}}]


def test_a_search_that_is_offered_beside_functions_is_left_out() -> None:
    (tools,) = body_of(asked(tools=(SEARCH, WEATHER)))["tools"]
    assert [function["name"] for function in tools["functionDeclarations"]] == [WEATHER.name]


@pytest.mark.parametrize(
    "tools",
    [
        (HostedTool(kind="code_execution_20250825", dialect="messages", native={}),),
        (HostedTool(kind="bash_20250124", dialect="messages", native={}),),
        (HostedTool(kind="web_search", dialect="messages", native={"allowed_domains": ["a.b"]}),),
        (HostedTool(kind="web_search", dialect="messages", native={"blocked_domains": ["a.b"]}),),
        (WEATHER, CODE),
    ],
)
def test_what_google_does_not_run_is_refused(tools: tuple[Tool | HostedTool, ...]) -> None:
    with pytest.raises(Unsupported) as refused:
        body_of(asked(tools=tools))
    assert refused.value.field == "tools"


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (ToolChoice(mode="auto"), {"mode": "AUTO"}),
        (ToolChoice(mode="none"), {"mode": "NONE"}),
        (ToolChoice(mode="required"), {"mode": "ANY"}),
        (
            ToolChoice(mode="required", names=("weather",)),
            {"mode": "ANY", "allowedFunctionNames": ["weather"]},
        ),
        (
            ToolChoice(mode="auto", names=("weather",)),
            {"mode": "VALIDATED", "allowedFunctionNames": ["weather"]},
        ),
    ],
)
def test_the_choice_of_a_tool_is_google_s_mode(choice: ToolChoice, config: Json) -> None:
    body = body_of(asked(tools=(WEATHER,), tool_choice=choice))
    assert body["toolConfig"] == {"functionCallingConfig": config}


@pytest.mark.parametrize(
    "more", [{}, {"tools": (WEATHER,)}, {"tool_choice": ToolChoice(mode="auto")}]
)
def test_where_there_is_nothing_to_choose_nothing_is_said(more: dict[str, Any]) -> None:
    assert "toolConfig" not in body_of(asked(**more))


@pytest.mark.parametrize("parallel", [True, False])
def test_for_how_many_calls_at_a_time_gemini_has_no_word(parallel: bool) -> None:
    assert "toolConfig" not in body_of(asked(tools=(WEATHER,), parallel_tool_calls=parallel))
