"""Functions as chats had them before tools: every model is asked with tools, and the client told
of a `function_call`."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from airouter.dialects.conversation import Json
from airouter.dialects.joining.joined_answer import JoinedAnswer
from airouter.failures import Failure
from unit.dialects.translation.crossing import TRANSLATED, heard, request, sent, way
from unit.dialects.translation.test_tool_names import answering

EVERYWHERE = pytest.mark.parametrize("to", TRANSLATED)
SCHEMA: Json = {"type": "object", "properties": {"a": {"type": "integer"}}}
FUNCTION: Json = {"name": "look", "description": "Looks.", "parameters": SCHEMA}
HELLO: Json = {"role": "user", "content": "Hello!"}
CALLED: Json = {
    "role": "assistant",
    "content": None,
    "function_call": {"name": "look", "arguments": '{"a":1}'},
}
GIVEN: Json = {"role": "function", "name": "look", "content": "A hill."}


def asking(*messages: Json, **more: Any) -> Json:
    return {"messages": [HELLO, *messages], "functions": [FUNCTION], **more}


def named_in(part: Any) -> int:
    """How often a provider is told the function's name."""
    return json.dumps(part).count('"look"')


@EVERYWHERE
def test_a_model_is_offered_functions_as_tools_and_made_to_call_one(to: str) -> None:
    body = sent("chat", to, **asking(CALLED, GIVEN, function_call={"name": "look"}))
    turns = body["contents" if to == "gemini" else "messages"]
    assert "A hill." in json.dumps(turns)
    assert named_in(turns) == (2 if to == "gemini" else 1)  # which tells it of results, too
    assert named_in(body) == named_in(turns) + 2  # declared, and chosen
    assert "Looks." in json.dumps(body)


@EVERYWHERE
def test_a_model_may_not_call_a_function_where_the_client_says_so(to: str) -> None:
    old = sent("chat", to, **asking(function_call="none"))
    tools = [{"type": "function", "function": FUNCTION}]
    new = sent("chat", to, messages=[HELLO], tools=tools, tool_choice="none")
    old.get("tool_choice", {}).pop("disable_parallel_tool_use", None)
    assert old == new


@EVERYWHERE
def test_a_whole_answer_has_one_call_as_it_was_before_tools(to: str) -> None:
    (choice,) = heard("chat", to, answering(to, "look"), **asking())["choices"]
    called = choice["message"]["function_call"]
    assert (called["name"], json.loads(called["arguments"])) == ("look", {"a": 1})
    assert "tool_calls" not in choice["message"]
    assert choice["finish_reason"] == "function_call"


def test_of_several_calls_the_client_is_told_the_first() -> None:
    answer = answering("anthropic", "look")
    answer["content"].append(answer["content"][0] | {"id": "c3", "input": {"a": 2}})
    (choice,) = heard("chat", "anthropic", answer, **asking())["choices"]
    assert json.loads(choice["message"]["function_call"]["arguments"]) == {"a": 1}


def test_an_answer_without_a_call_is_as_any_other() -> None:
    answer = answering("anthropic", "look") | {"stop_reason": "end_turn"}
    answer["content"] = [{"type": "text", "text": "No."}]
    (choice,) = heard("chat", "anthropic", answer, **asking())["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("No.", "stop")
    assert "function_call" not in choice["message"]


EVENTS: list[Json] = [
    {"type": "message_start", "message": {"id": "m", "model": "x", "usage": {}}},
    {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "tool_use", "id": "c", "name": "look", "input": {}},
    },
    *(
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": piece},
        }
        for piece in ('{"a"', ":1}")
    ),
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {}},
    {"type": "message_stop"},
]


def chunks(to: str, data: bytes, **asked: Any) -> list[Json]:
    """The chunks that a client gets for a provider's stream."""
    body, translation = request(**asked, stream=True), way("chat", to)
    translation.encode(body)
    out: list[bytes] = []
    stream = translation.stream_filter(body, out.append)
    stream.feed(data)
    stream.finish()
    lines = b"".join(out).splitlines()
    return [json.loads(line[6:]) for line in lines if line[:6] == b"data: " and b"DONE" not in line]


def called_in(found: list[Json]) -> tuple[str, str]:
    """The call that a client puts together."""
    deltas = [choice["delta"] for each in found for choice in each["choices"]]
    pieces = [delta["function_call"] for delta in deltas if "function_call" in delta]
    assert not any("tool_calls" in delta for delta in deltas)
    return (
        "".join(piece.get("name") or "" for piece in pieces),
        "".join(piece.get("arguments") or "" for piece in pieces),
    )


def test_a_stream_has_a_call_as_it_was_before_tools() -> None:
    data = b"".join(
        b"event: %b\ndata: %b\n\n" % (each["type"].encode(), msgspec.json.encode(each))
        for each in EVENTS
    )
    found = chunks("anthropic", data, **asking())
    assert called_in(found) == ("look", '{"a":1}')
    assert found[-1]["choices"][0]["finish_reason"] == "function_call"


@EVERYWHERE
def test_a_call_without_a_result_does_not_end_a_conversation(to: str) -> None:
    turns = sent("chat", to, **asking(CALLED, HELLO, CALLED, GIVEN, HELLO))
    assert json.dumps(turns).count("A hill.") == 1
    assert named_in(turns) >= 3  # declared, and called twice


def test_a_conversation_keeps_its_ids_from_turn_to_turn() -> None:
    turns = [CALLED, GIVEN]
    first = sent("chat", "anthropic", **asking(*turns))["messages"]
    second = sent("chat", "anthropic", **asking(*turns, HELLO, *turns))["messages"]
    assert second[1]["content"] == first[1]["content"]
    ids = [block["id"] for each in second for block in each["content"] if "id" in block]
    assert len(set(ids)) == len(ids) == 2


@EVERYWHERE
@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"functions": [FUNCTION, FUNCTION]}, "functions[1].name"),
        ({"functions": [FUNCTION | {"name": ""}]}, "functions[0].name"),
        ({"function_call": {"name": "other"}}, "function_call"),
        ({"tools": [{"type": "function", "function": FUNCTION}]}, "functions"),
        ({"messages": [GIVEN]}, "messages[0]"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(to: str, fields: Json, param: str) -> None:
    with pytest.raises(Failure) as caught:
        sent("chat", to, **asking() | fields)
    assert (caught.value.status, caught.value.param) == (400, param)


PASSED: list[Json] = [
    {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": ""}},
    {"function_call": {"arguments": '{"a"'}},
    {"function_call": {"arguments": ":1}"}},
]


@pytest.mark.parametrize("to", ["openai", "compatible"])
@pytest.mark.parametrize("joined", [True, False])
def test_a_stream_of_such_a_call_passes_through(to: str, joined: bool) -> None:
    asked, translation = request(**asking(), stream=True), way("chat", to)
    if joined:
        asked.joined = JoinedAnswer()
    (body,) = translation.encode(asked)
    assert msgspec.json.decode(body)["functions"] == [FUNCTION]
    out: list[bytes] = []
    stream = translation.stream_filter(asked, out.append)
    ends = [{"index": 0, "delta": {}, "finish_reason": "function_call"}]
    choices = [[{"index": 0, "delta": delta, "finish_reason": None}] for delta in PASSED]
    for choice in (*choices, ends):
        chunk = {"id": "c", "object": "chat.completion.chunk", "model": "x", "choices": choice}
        stream.feed(b"data: " + msgspec.json.encode(chunk) + b"\n\n")
    stream.feed(b"data: [DONE]\n\n")
    stream.finish()
    lines = b"".join(out).splitlines()
    found = [json.loads(li[6:]) for li in lines if li[:6] == b"data: " and b"DONE" not in li]
    assert called_in(found) == ("look", '{"a":1}')
    assert found[-1]["choices"][0]["finish_reason"] == "function_call"
