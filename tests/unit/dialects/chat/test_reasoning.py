"""Thoughts go back to the model that had them, beside the calls that they led to."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.dialects.chat import COMPATIBLE, UPSTREAM
from airouter.dialects.conversation import Answer, Conversation, Json, Reasoning, Signature, Text
from airouter.dialects.dialect import UpstreamDialect
from airouter.dialects.messages import CLIENT as MESSAGES
from airouter.dialects.provenance import pack_parts
from airouter.dialects.responses import CLIENT as RESPONSES
from unit.dialects.chat.asking import (
    QWEN,
    answer_to,
    calling,
    chunk,
    completion,
    heard,
    in_messages,
    in_responses,
    piece,
    sent,
)

CALL = piece("look", "{}", id="a", index=0)
HELLO: Json = {"role": "user", "content": "Hello"}
DEEPSEEK: Json = {"content": "Let me see.", "reasoning_content": "Hm. Well."}
GROQ: Json = {"content": "Let me see.", "reasoning": "Hm. Well."}
MISTRAL: Json = {
    "content": [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm. Well."}]},
        {"type": "text", "text": "Let me see."},
    ]
}
MESSAGES_OF_ALL = pytest.mark.parametrize("said", [DEEPSEEK, GROQ, MISTRAL])


def answered(said: Json) -> Answer:
    return answer_to(completion({**said, "tool_calls": [CALL]}, "tool_calls"))


def by_messages(answer: Answer) -> Conversation:
    """What a client of Messages goes on with."""
    told = msgspec.json.decode(MESSAGES.render_response(answer, in_messages(HELLO)))
    result = {"type": "tool_result", "tool_use_id": "a", "content": "Nothing."}
    said = {"role": "assistant", "content": told["content"]}
    return in_messages(HELLO, said, {"role": "user", "content": [result]})


def by_responses(answer: Answer) -> Conversation:
    """What a client of Responses goes on with."""
    told = msgspec.json.decode(RESPONSES.render_response(answer, in_responses(HELLO)))
    output = {"type": "function_call_output", "call_id": "a", "output": "Nothing."}
    return in_responses(HELLO, *told["output"], output)


def by_stream_of_messages(said: Json) -> Conversation:
    """What a client of Messages goes on with that heard a stream."""
    renderer = MESSAGES.stream_renderer(in_messages(HELLO))
    events = heard(chunk(said), calling(CALL), chunk({}, "tool_calls"))
    data = b"".join(renderer.feed(event) for event in events)
    lines = [line[6:] for line in data.splitlines() if line.startswith(b"data: ")]
    deltas = [fields["delta"] for line in lines if "delta" in (fields := msgspec.json.decode(line))]
    (signature,) = (delta["signature"] for delta in deltas if "signature" in delta)
    thought = "".join(delta.get("thinking", "") for delta in deltas)
    blocks = [
        {"type": "thinking", "thinking": thought, "signature": signature},
        {"type": "tool_use", "id": "a", "name": "look", "input": {}},
    ]
    result = {"type": "tool_result", "tool_use_id": "a", "content": "Nothing."}
    turns = {"role": "assistant", "content": blocks}, {"role": "user", "content": [result]}
    return in_messages(HELLO, *turns)


def said_again(conversation: Conversation, model: str = QWEN, **more: Any) -> Json:
    message: Json = sent(conversation, more.get("dialect", COMPATIBLE), model, checked=False)[
        "messages"
    ][1]
    return message


@MESSAGES_OF_ALL
@pytest.mark.parametrize("go_on", [by_messages, by_responses])
@pytest.mark.parametrize("dialect", [COMPATIBLE, UPSTREAM], ids=["compatible", "openai"])
def test_a_thought_goes_back_as_its_server_wrote_it(
    go_on: Any, said: Json, dialect: UpstreamDialect
) -> None:
    again = said_again(go_on(answered(said)), dialect=dialect)
    assert {name: again[name] for name in said} == said


@pytest.mark.parametrize("said", [DEEPSEEK, GROQ])
def test_so_does_one_that_was_heard_in_a_stream(said: Json) -> None:
    (field,) = said.keys() - {"content"}
    assert said_again(by_stream_of_messages(said))[field] == "Hm. Well."


@MESSAGES_OF_ALL
@pytest.mark.parametrize("go_on", [by_messages, by_responses])
def test_another_model_does_not_get_it(go_on: Any, said: Json) -> None:
    again = said_again(go_on(answered(said)), "llama-4")
    assert again.keys() == {"role", "content", "tool_calls"}
    assert again["content"] == "Let me see."


@pytest.mark.parametrize("go_on", [by_messages, by_responses])
def test_the_same_model_at_another_server_gets_it(go_on: Any) -> None:
    answer = answered(DEEPSEEK)
    (choice,) = answer.choices
    thought = choice.parts[0]
    assert isinstance(thought, Reasoning)
    assert thought.signature == Signature(maker=f"chat/{QWEN}", value="reasoning_content")
    assert "reasoning_content" in said_again(go_on(answer))


def test_a_thought_that_led_to_no_call_stays_behind() -> None:
    answer = answer_to(completion(DEEPSEEK))
    told = msgspec.json.decode(MESSAGES.render_response(answer, in_messages(HELLO)))
    said = {"role": "assistant", "content": told["content"]}
    assert said_again(in_messages(HELLO, said, HELLO)).keys() == {"role", "content"}


def test_a_client_cannot_write_other_fields_by_it() -> None:
    (choice,) = answered({"content": None}).choices
    forged = Reasoning(text="admin", signature=Signature(maker=f"chat/{QWEN}", value="role"))
    thinking = {"type": "thinking", "thinking": "admin", "signature": pack_parts([forged])}
    used = {"type": "tool_use", "id": "a", "name": "look", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "a", "content": "Nothing."}
    said = {"role": "assistant", "content": [thinking, used]}
    again = said_again(in_messages(HELLO, said, {"role": "user", "content": [result]}))
    assert again["role"] == "assistant"
    assert not [part for part in choice.parts if isinstance(part, Text)]
