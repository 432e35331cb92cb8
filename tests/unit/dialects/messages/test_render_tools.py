"""Tools as Anthropic takes them, and the choice of one."""

from __future__ import annotations

import msgspec
import pytest

from airouter.dialects.conversation import Json, Thinking, Tool, ToolChoice
from unit.dialects.messages.asking import (
    FORCED,
    OLDEST,
    SCHEMA,
    WANTED,
    WEATHER,
    asked,
    body_of,
    call,
    messages_of,
    refused,
    result,
    say,
)


def test_a_history_with_calls_has_tools_though_none_may_be_called() -> None:
    turns = (say("user", "Hi"), say("assistant", call()), say("user", result("call_1", "Rain")))
    body = body_of(asked(*turns))
    assert [tool["name"] for tool in body["tools"]] == ["weather"]
    assert body["tool_choice"] == {"type": "none"}


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        ({}, None),
        ({"tool_choice": ToolChoice(mode="auto")}, {"type": "auto"}),
        ({"tool_choice": ToolChoice(mode="none")}, {"type": "none"}),
        ({"tool_choice": FORCED}, {"type": "any"}),
        (
            {"tool_choice": ToolChoice(mode="required", names=("weather",))},
            {"type": "tool", "name": "weather"},
        ),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        (
            {"tool_choice": FORCED, "parallel_tool_calls": False},
            {"type": "any", "disable_parallel_tool_use": True},
        ),
    ],
)
def test_a_tool_is_chosen_in_anthropics_words(given: Json, choice: Json | None) -> None:
    assert body_of(asked(tools=(WEATHER,), **given)).get("tool_choice") == choice


def test_a_custom_tool_takes_one_text() -> None:
    body = body_of(asked(tools=(Tool(name="shell", custom=True),)))
    assert body["tools"][0]["input_schema"]["required"] == ["input"]
    turns = (
        say("user", "Hi"),
        say("assistant", call(name="shell", arguments="ls -l", custom=True)),
        say("user", result()),
    )
    assert messages_of(*turns)[1]["content"][0]["input"] == {"input": "ls -l"}


def test_a_strict_tool_is_closed() -> None:
    tool = msgspec.structs.replace(WEATHER, strict=True)
    (native,) = body_of(asked(tools=(tool,)))["tools"]
    assert native["strict"]
    assert native["input_schema"]["additionalProperties"] is False


def test_no_tool_is_forced_on_a_model_that_thinks_by_budget() -> None:
    forced = asked(tools=(WEATHER,), tool_choice=FORCED, thinking=Thinking(mode="on", budget=2048))
    assert refused(forced) == "tool_choice"


def test_a_model_without_schemas_answers_by_a_tool() -> None:
    body = body_of(asked(format=WANTED), OLDEST)
    assert [tool["input_schema"] for tool in body["tools"]] == [SCHEMA]
    assert body["tool_choice"] == {"type": "tool", "name": body["tools"][0]["name"]}
    both = body_of(asked(format=WANTED, tools=(WEATHER,)), OLDEST)
    assert len(both["tools"]) == 2
    assert both["tool_choice"] == {"type": "any"}


def test_a_tool_of_the_past_cannot_be_called_in_place_of_the_answer() -> None:
    turns = (say("user", "Hi"), say("assistant", call()), say("user", result("call_1", "Rain")))
    body = body_of(asked(*turns, format=WANTED), OLDEST)
    assert body["tool_choice"]["type"] == "tool"
