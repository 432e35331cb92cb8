"""What stands in an input besides messages and calls of functions."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.dialects.conversation import Json
from unit.dialects.responses.asking import (
    PROVIDERS,
    function,
    message,
    refused,
    sent,
    text,
    tools_in,
    user,
    whole,
)

CALL: Json = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"}
OUTPUT: Json = {"type": "function_call_output", "call_id": "c1", "output": "Rain"}
THINKS = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}


def thought() -> Json:
    """What a model of Anthropic thought, as a client gets it."""
    item: Json = whole("messages", message([THINKS, text("Yes.")]))["output"][0]
    return item


@pytest.mark.parametrize("speech", PROVIDERS)
@pytest.mark.parametrize(
    "item",
    [
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {}},
        {"type": "file_search_call", "id": "fs_1", "queries": ["x"], "status": "completed"},
        {"type": "code_interpreter_call", "id": "ci_1", "code": "1", "container_id": "x"},
        {"type": "image_generation_call", "id": "ig_1", "result": "aGk="},
    ],
)
def test_what_a_provider_ran_is_left_out(speech: str, item: Json) -> None:
    said = {"role": "assistant", "content": "Found."}
    asked = sent(speech, user(), item, said, user("Thanks"))
    assert asked == sent(speech, user(), said, user("Thanks"))


@pytest.mark.parametrize(
    "kind",
    [
        "computer_call",
        "computer_call_output",
        "mcp_approval_request",
        "mcp_approval_response",
        "item_reference",
        "compaction_trigger",
    ],
)
def test_an_item_that_asks_for_what_only_openai_does_is_refused_by_its_place(kind: str) -> None:
    failure = refused(user(), user(), user(), {"type": kind, "id": "x"})
    assert failure.param == "input[3]"
    assert f"'{kind}'" in failure.message
    assert ": " in failure.message, "what to do instead"


def test_a_compaction_that_nobody_opened_is_refused() -> None:
    failure = refused(user(), {"type": "compaction", "encrypted_content": "gAAA"})
    assert (failure.param, failure.code) == ("input[1]", "invalid_encrypted_content")


def test_tools_may_come_later() -> None:
    more = {"type": "additional_tools", "role": "developer", "tools": [function("time")]}
    asked = sent("messages", user(), more, user("When?"), tools=[function()])
    assert list(tools_in("messages", asked)) == ["weather", "time"]


def test_a_tool_that_comes_again_is_the_newer_one() -> None:
    newer = {"role": "developer", "tools": [function(description="Newer")]}
    asked = sent("messages", user(), {"type": "additional_tools", **newer}, tools=[function()])
    assert tools_in("messages", asked)["weather"]["description"] == "Newer"


def test_a_later_tool_that_cannot_be_is_named_by_its_place() -> None:
    more = {"type": "additional_tools", "role": "developer", "tools": [{"type": "mcp"}]}
    assert refused(user(), more).param == "input[1].tools[0]"


def update(**settings: Any) -> Json:
    return {"type": "configuration_update", **settings}


def test_the_last_update_of_the_settings_counts() -> None:
    low, high = update(reasoning={"effort": "low"}), update(reasoning={"effort": "high"})
    given = {"reasoning": {"effort": "medium", "summary": "auto"}}
    asked = sent("gemini", user(), low, user(), high, user(), **given)
    assert asked["generationConfig"]["thinkingConfig"] == {
        "thinkingLevel": "HIGH",
        "includeThoughts": True,
    }


def test_an_update_leaves_alone_what_it_does_not_say() -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    format_ = {"type": "json_schema", "name": "answer", "schema": schema}
    asked = sent(
        "gemini",
        user(),
        update(text={"format": format_}),
        update(reasoning={"effort": "low"}),
        user(),
    )
    assert asked["generationConfig"]["responseJsonSchema"] == schema
    back = sent(
        "gemini",
        user(),
        update(text={"format": format_}),
        update(text={"format": {"type": "text"}}),
    )
    assert "responseJsonSchema" not in back.get("generationConfig", {})


def test_a_response_tells_the_settings_that_are_in_force() -> None:
    reply = message([text("Yes.")])
    items = [user(), update(reasoning={"effort": "high"}, text={"verbosity": "medium"})]
    response = whole("messages", reply, input=items, reasoning={"effort": "low"})
    assert response["reasoning"]["effort"] == "high"
    assert response["text"] == {"format": {"type": "text"}, "verbosity": "medium"}


def test_an_update_that_is_none_is_refused() -> None:
    assert str(refused(user(), update(reasoning={"effort": "huge"})).param).startswith("input[1]")


@pytest.mark.parametrize(
    "after", [[], [user("Go on")], [{"role": "developer", "content": "Be kind."}, user("Go on")]]
)
def test_a_thought_that_led_to_nothing_is_left_out(after: list[Json]) -> None:
    asked = sent("messages", user(), thought(), *after)
    assert "thinking" not in str(asked["messages"])


@pytest.mark.parametrize(
    "after",
    [
        [{"role": "assistant", "content": "Yes."}],
        [CALL, OUTPUT],
        [{"type": "web_search_call", "id": "ws_1"}, {"role": "assistant", "content": "Yes."}],
    ],
)
def test_a_thought_stays_with_what_it_led_to(after: list[Json]) -> None:
    asked = sent("messages", user(), thought(), *after, user("Go on"), tools=[function()])
    assert asked["messages"][1]["content"][0]["type"] == "thinking"


def test_a_refusal_goes_back_as_what_the_model_said() -> None:
    refusal = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "refusal", "refusal": "No."}],
    }
    asked = sent("messages", user(), refusal, user("Why?"))
    assert asked["messages"][1]["content"] == [{"type": "text", "text": "No."}]


def test_a_phase_and_sources_of_an_earlier_answer_are_taken_back() -> None:
    source = {"type": "url_citation", "url": "https://x.test", "title": "X"}
    content = {"type": "output_text", "text": "Yes.", "annotations": [source], "logprobs": []}
    said = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "phase": "final_answer",
        "content": [content],
    }
    asked = sent("messages", user(), said, user("Why?"))
    assert asked["messages"][1]["content"] == [{"type": "text", "text": "Yes."}]


def test_an_input_of_nothing_but_settings_is_refused() -> None:
    assert refused(update(reasoning={"effort": "low"})).param == "input"


@pytest.mark.parametrize(
    ("part", "fix"),
    [
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}, "input_image"),
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64,AA=="}}, "input_file"),
    ],
)
@pytest.mark.parametrize("field", ["content", "output"])
def test_a_part_of_chat_completions_is_refused_with_what_to_write_in_its_place(
    part: Json, fix: str, field: str
) -> None:
    given = [{"type": "input_text", "text": "What is this?"}, part]
    item: Json = {"role": "user", "content": given}
    if field == "output":
        item = {"type": "function_call_output", "call_id": "c1", "output": given}
    failure = refused(CALL, item)
    assert (failure.status, failure.param) == (400, f"input[1].{field}[1].type")
    assert f'(fix: write {{"type": "{fix}"' in failure.message
