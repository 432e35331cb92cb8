"""Functions in groups, for providers that have but one list of them."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airouter.dialects.conversation import Json, Tool
from airouter.dialects.responses.names import ToolNames, with_names
from unit.dialects.responses.asking import (
    PROVIDERS,
    both,
    call_of,
    function,
    kinds,
    message_stream,
    namespace,
    refused,
    sent,
    streamed,
    text,
    tool_use,
    tools_in,
    user,
)

CRM = namespace("crm", function("get", description="Gets one."), description="Our customers.")
LONG = "a" * 60
CALLED: Json = {"type": "function_call", "call_id": "c1", "name": "get", "arguments": "{}"}
OUTPUT: Json = {"type": "function_call_output", "call_id": "c1", "output": "Ada"}


@pytest.mark.parametrize("speech", PROVIDERS)
def test_functions_of_a_namespace_are_told_under_both_names(speech: str) -> None:
    tools = tools_in(speech, sent(speech, tools=[CRM, function("get")]))
    assert list(tools) == ["crm__get", "get"]
    assert tools["crm__get"]["description"] == "Our customers.\n\nGets one."


@pytest.mark.parametrize("speech", PROVIDERS)
def test_a_call_comes_back_as_the_client_declared_it(speech: str) -> None:
    (item,) = both(speech, call_of(speech, "crm__get", id=7), tools=[CRM])
    assert (item["type"], item["namespace"], item["name"]) == ("function_call", "crm", "get")
    assert msgspec.json.decode(item["arguments"]) == {"id": 7}


@pytest.mark.parametrize("speech", PROVIDERS)
def test_a_plain_function_has_no_namespace(speech: str) -> None:
    (item,) = both(speech, call_of(speech, "get"), tools=[CRM, function("get")])
    assert item["name"] == "get"
    assert "namespace" not in item


def test_every_event_of_a_call_names_it_the_same() -> None:
    events = streamed("messages", message_stream([tool_use("crm__get", id=7)]), tools=[CRM])
    items = [event["item"] for event in events if "item" in event]
    assert [(item["namespace"], item["name"]) for item in items] == [("crm", "get")] * 2
    assert "function_call_arguments.delta" in kinds(events)


@pytest.mark.parametrize("tools", [[CRM], []])
def test_a_call_in_the_history_goes_out_under_the_same_name(tools: list[Json]) -> None:
    items = (user(), {**CALLED, "namespace": "crm"}, OUTPUT)
    asked = sent("messages", *items, tools=tools)
    assert asked["messages"][1]["content"][0]["name"] == "crm__get"
    asked = sent("gemini", *items, tools=tools)
    assert asked["contents"][1]["parts"][0]["functionCall"]["name"] == "crm__get"
    assert asked["contents"][2]["parts"][0]["functionResponse"]["name"] == "crm__get"


def test_a_custom_tool_may_stand_in_a_namespace() -> None:
    tools = [namespace("db", {"type": "custom", "name": "sql"})]
    (item,) = both("messages", [tool_use("db__sql", input="SELECT 1")], tools=tools)
    assert item["type"] == "custom_tool_call"
    assert (item["namespace"], item["name"], item["input"]) == ("db", "sql", "SELECT 1")


@pytest.mark.parametrize("spoken", ["crm.v2", "Kunden & Käufer", LONG])
def test_a_name_that_does_not_fit_is_made_to(spoken: str) -> None:
    tools = [namespace(spoken, function("a" * 30))]
    (name,) = tools_in("messages", sent("messages", tools=tools))
    assert re.fullmatch("[a-zA-Z0-9_-]{1,64}", name)
    (item,) = both("messages", [text("Hm."), tool_use(name)], tools=tools)[1:]
    assert (item["namespace"], item["name"]) == (spoken, "a" * 30)


def test_names_that_clash_are_told_apart() -> None:
    tools = [function("a__b"), namespace("a", function("b")), namespace("a.b", function("c"))]
    tools.append(namespace("a_b", function("c")))
    names = list(tools_in("messages", sent("messages", tools=tools)))
    assert names[0] == "a__b"
    assert len(set(names)) == 4
    output = both("messages", [tool_use(name) for name in names], tools=tools)
    assert [(item.get("namespace"), item["name"]) for item in output] == [
        (None, "a__b"),
        ("a", "b"),
        ("a.b", "c"),
        ("a_b", "c"),
    ]


PLACES = st.tuples(st.none() | st.text(min_size=1, max_size=70), st.text(min_size=1, max_size=70))


@given(st.lists(PLACES, unique=True))
def test_names_are_told_apart_and_stay_the_same(places: list[tuple[str | None, str]]) -> None:
    tools = [Tool(name=name, namespace=space) for space, name in places]
    named = with_names(tools)
    made_up = [tool.name for tool in named if tool.namespace is not None]
    assert len({tool.name for tool in named}) == len(tools)
    assert all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", name) for name in made_up)
    assert with_names(tools) == named
    known = ToolNames(named)
    assert [known.of(name, space) for space, name in places] == [tool.name for tool in named]


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "function", "name": "get"},
        {"type": "function", "name": "get", "namespace": "crm"},
        {
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": "get"}],
        },
        {
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "namespace", "name": "crm"}],
        },
    ],
)
def test_a_choice_follows_the_name(choice: Json) -> None:
    given: dict[str, Any] = {"tools": [CRM, function()], "tool_choice": choice}
    assert sent("messages", **given)["tool_choice"] == {"type": "tool", "name": "crm__get"}
    assert sent("converse", **given)["toolConfig"]["toolChoice"] == {"tool": {"name": "crm__get"}}
    calling = sent("gemini", **given)["toolConfig"]["functionCallingConfig"]
    assert calling == {"mode": "ANY", "allowedFunctionNames": ["crm__get"]}


def test_a_namespace_has_functions_only() -> None:
    failure = refused(tools=[function(), namespace("web", {"type": "web_search"})])
    assert failure.param == "tools[1].tools[0].type"


def test_two_functions_of_a_namespace_may_not_have_one_name() -> None:
    failure = refused(tools=[namespace("crm", function("get"), function("get"))])
    assert failure.param == "tools[0]"
    assert "'crm'" in failure.message
