"""Names of tools in Responses that pass through: those that are refused alone are others."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from airouter.dialects.conversation import Json
from airouter.dialects.translation.base import Translation
from airouter.dialects.translation.tool_names import fitting_name
from unit.dialects.translation.crossing import heard, request, sent, way

ODD = ("fs.read", "GET:/patterns", "größe", "a b", "n" * 65)
TAKEN = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def asking(name: str) -> Json:
    """A request with a name in each place that has one."""
    chosen = [{"type": "function", "name": name}, {"type": "custom", "name": name}]
    spaced: list[Json] = [{"type": "function", "name": name, "unheard_of": 1}]
    return {
        "tools": [
            {"type": "function", "name": name, "parameters": {"default": {"name": name}}},
            {"type": "custom", "name": name},
            {"type": "namespace", "name": "a.b", "tools": spaced},
            {"type": "mcp", "server_label": "s", "allowed_tools": [name]},
        ],
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": chosen},
        "input": [
            {"type": "function_call", "call_id": "a", "name": name, "arguments": f'"{name}"'},
            {"type": "custom_tool_call", "call_id": "b", "name": name, "input": ""},
            {"type": "tool_search_output", "tools": [{"type": "namespace", "tools": spaced}]},
            {"type": "mcp_call", "name": name},
            {"role": "user", "content": name},
        ],
        "unheard_of": {"name": name},
    }


@pytest.mark.parametrize("name", ODD)
def test_a_name_is_one_that_openai_takes_in_every_place_and_nothing_else_changes(name: str) -> None:
    told = fitting_name(name)
    assert TAKEN.fullmatch(told)
    body, expected = sent("responses", "native", **asking(name)), asking(told)
    expected["tools"][0]["parameters"] = {"default": {"name": name}}
    expected["tools"][3]["allowed_tools"] = [name]
    expected["input"][0]["arguments"] = f'"{name}"'
    expected["input"][3:] = asking(name)["input"][3:]
    expected["unheard_of"] = {"name": name}
    assert body == {"model": "gpt-4o", **expected}


@pytest.mark.parametrize("kept", ["3d_render", "-x", "plain", "n" * 64])
def test_a_name_that_is_taken_stays_whatever_stands_beside_it(kept: str) -> None:
    tools = [{"type": "function", "name": kept}, {"type": "function", "name": "fs.read"}]
    body = sent("responses", "native", tools=tools, input=[])
    assert body["tools"][0]["name"] == kept


def test_a_request_without_such_a_name_passes_to_the_byte() -> None:
    asked = request(tools=[{"type": "function", "name": "f", "x": {"name": "a b"}}], input="Hi")
    (body,) = way("responses", "native").encode(asked)
    assert body == asked.body.replace(b'"m"', b'"gpt-4o"', 1)
    assert asked.tool_names is None


@pytest.mark.parametrize("tools", [None, [], [{"type": "function", "name": "plain"}]])
@pytest.mark.parametrize("name", ODD)
def test_a_call_of_a_tool_that_is_offered_no_more_has_a_name_that_is_taken(
    name: str, tools: list[Json] | None
) -> None:
    call = {"type": "function_call", "call_id": "a", "name": name, "arguments": "{}"}
    offered: Json = {} if tools is None else {"tools": tools}
    body = sent("responses", "native", input=[call], **offered)
    assert body == {
        "model": "gpt-4o",
        "input": [call | {"name": fitting_name(name)}],
        **offered,
    }


def test_functions_of_old_are_for_the_provider_to_refuse() -> None:
    old: Json = {"functions": [{"name": "fs.read"}], "input": "Hi"}
    assert sent("responses", "native", **old) == {"model": "gpt-4o", **old}


@pytest.mark.parametrize("name", ODD)
def test_a_whole_response_has_the_client_s_names(name: str) -> None:
    told, asked = fitting_name(name), asking(name)
    said = {"type": "output_text", "text": f'"name":"{told}"'}
    answer: Json = {
        "object": "response",
        "tools": sent("responses", "native", **asked)["tools"],
        "output": [
            {"type": "message", "content": [said]},
            {"type": "function_call", "call_id": "c", "name": told, "arguments": "{}"},
        ],
    }
    found = heard("responses", "native", answer, **asked)
    assert found["tools"] == asked["tools"]
    assert found["output"][1]["name"] == name
    assert found["output"][0]["content"] == [said]


def streamed(translation: Translation, events: list[Json], **fields: Any) -> list[Json]:
    """The events that a client gets."""
    asked = request(**fields, stream=True)
    translation.encode(asked)
    written: list[bytes] = []
    stream = translation.stream_filter(asked, written.append)
    for event in events:
        data = msgspec.json.encode(event)
        stream.feed(b"event: %b\ndata: %b\n\n" % (event["type"].encode(), data))
    stream.finish()
    lines = b"".join(written).splitlines()
    return [msgspec.json.decode(line[6:]) for line in lines if line.startswith(b"data: ")]


@pytest.mark.parametrize("name", ODD)
def test_every_event_of_a_stream_has_the_client_s_names(name: str) -> None:
    told, asked = fitting_name(name), asking(name)
    call = {"type": "function_call", "call_id": "c", "name": told, "arguments": "{}"}
    done = {"type": "response.function_call_arguments.done", "arguments": "{}", "name": told}
    events: list[Json] = [
        {"type": "response.created", "response": {"id": "r", "output": [], "tools": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": call},
        done,
        {"type": "response.output_item.done", "output_index": 0, "item": call},
        {"type": "response.completed", "response": {"id": "r", "output": []}},
    ]
    _, added, arguments, item, last = streamed(way("responses", "native"), events, **asked)
    assert added["item"]["name"] == item["item"]["name"] == arguments["name"] == name
    assert last["response"]["output"][0]["name"] == name
