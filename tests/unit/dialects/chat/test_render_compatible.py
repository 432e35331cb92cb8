"""What servers are asked that run open models: their templates and types are stricter."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.dialects.chat import COMPATIBLE
from airouter.dialects.conversation import Conversation, Json
from unit.dialects.chat.asking import QWEN, in_messages, in_responses, sent

LOOK: Json = {"type": "function", "name": "look", "parameters": {"type": "object"}}
PATCH: Json = {
    "type": "custom",
    "name": "patch",
    "description": "Edits files.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: LINE"},
}


def user(content: Any = "Hello") -> Json:
    return {"role": "user", "content": content}


def developer(text: str) -> Json:
    return {"role": "developer", "content": text}


def asked(conversation: Conversation, model: str = QWEN) -> Json:
    return sent(conversation, COMPATIBLE, model)


def messages(conversation: Conversation) -> list[Json]:
    found: list[Json] = asked(conversation)["messages"]
    return found


def test_all_instructions_at_the_beginning_are_one_message_of_the_system() -> None:
    conversation = in_responses(developer("In French."), user(), instructions="Be brief.")
    assert messages(conversation) == [
        {"role": "system", "content": "Be brief.\n\nIn French."},
        {"role": "user", "content": "Hello"},
    ]


def test_later_instructions_are_what_the_user_says() -> None:
    said = {"role": "assistant", "content": "Hi."}
    conversation = in_responses(user(), said, developer("In French."), user("Go on."))
    assert messages(conversation)[1:] == [
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": "In French.\n\nGo on."},
    ]


def test_a_user_who_speaks_twice_says_it_in_one_text() -> None:
    blocks = [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]
    conversation = in_messages(user(blocks), user("Three."))
    assert messages(conversation) == [user("One.\n\nTwo.\n\nThree.")]


def test_words_beside_a_picture_stay_pieces() -> None:
    picture = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="}
    content = [{"type": "input_text", "text": "What is it?"}, picture]
    (message,) = messages(in_responses(user(content)))
    assert [piece["type"] for piece in message["content"]] == ["text", "image_url"]


def test_a_custom_tool_is_a_function_of_a_text() -> None:
    called = {"type": "custom_tool_call", "call_id": "a", "name": "patch", "input": "+ line"}
    gave = {"type": "custom_tool_call_output", "call_id": "a", "output": "done"}
    body = asked(in_responses(user(), called, gave, tools=[PATCH]))
    (tool,) = body["tools"]
    assert tool["type"] == "function"
    assert tool["function"]["parameters"]["required"] == ["input"]
    assert "start: LINE" in tool["function"]["description"]
    (call,) = body["messages"][1]["tool_calls"]
    assert call["function"] == {"name": "patch", "arguments": '{"input":"+ line"}'}


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_where_only_some_tools_may_be_called_there_are_no_others(mode: str) -> None:
    tools = [LOOK, {**LOOK, "name": "go"}, {**LOOK, "name": "stop"}]
    allowed = [{"type": "function", "name": name} for name in ("look", "go")]
    choice = {"type": "allowed_tools", "mode": mode, "tools": allowed}
    body = asked(in_responses(user(), tools=tools, tool_choice=choice))
    assert [tool["function"]["name"] for tool in body["tools"]] == ["look", "go"]
    assert body["tool_choice"] == mode


def test_one_tool_that_must_be_called_is_named() -> None:
    choice = {"type": "function", "name": "look"}
    body = asked(in_responses(user(), tools=[LOOK], tool_choice=choice))
    assert body["tool_choice"] == {"type": "function", "function": {"name": "look"}}


@pytest.mark.parametrize(
    ("model", "effort", "taken"),
    [
        (QWEN, "minimal", "low"),
        (QWEN, "high", "high"),
        (QWEN, "max", "high"),
        ("openai/gpt-oss-120b", "xhigh", "high"),
        ("openai/gpt-5.2", "xhigh", "xhigh"),
        ("gpt-5", "minimal", "minimal"),
    ],
)
def test_open_models_know_three_efforts(model: str, effort: str, taken: str) -> None:
    body = asked(in_responses(user(), reasoning={"effort": effort}), model)
    assert body["reasoning_effort"] == taken


def test_the_ceiling_has_its_older_name_and_nothing_is_hinted() -> None:
    conversation = in_responses(
        user(), max_output_tokens=7, user="u", store=True, metadata={"a": "b"}
    )
    assert asked(conversation) == {"model": QWEN, "messages": [user()], "max_tokens": 7}
