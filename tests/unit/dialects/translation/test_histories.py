"""Histories that clients send back: as we answered them, as others did, and as they were cut."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.dialects.conversation import Answer, Choice, Json, Reasoning, Text
from airouter.dialects.responses import CLIENT as RESPONSES
from airouter.failures import Failure
from unit.dialects.translation.crossing import TRANSLATED, heard, request, sent, way

HELLO: Json = {"role": "user", "content": "hello"}
AGAIN: Json = {"role": "user", "content": "again"}
SILENT: list[Json] = [
    {"content": None},
    {},
    {"content": None, "tool_calls": []},
    {"tool_calls": []},
    {"content": ""},
]
CALL: Json = {"type": "function_call", "call_id": "call_1", "name": "f"}
OUTPUT: Json = {"type": "function_call_output", "call_id": "call_1", "output": "done"}


def in_items(*items: Json, to: str = "anthropic", **more: Any) -> str:
    """What a provider is sent for items of Responses, as text."""
    return msgspec.json.encode(sent("responses", to, input=[HELLO, *items, AGAIN], **more)).decode()


@pytest.mark.parametrize("silent", SILENT)
@pytest.mark.parametrize("to", [*TRANSLATED])
def test_an_answer_without_a_word_is_taken_as_nothing(to: str, silent: Json) -> None:
    body = sent("chat", to, messages=[HELLO, {"role": "assistant", **silent}, AGAIN])
    said = msgspec.json.encode(body).decode()
    assert "hello" in said
    assert "again" in said


@pytest.mark.parametrize("silent", SILENT)
@pytest.mark.parametrize("to", ["openai", "compatible"])
def test_an_answer_without_a_word_has_an_empty_content_where_it_passes(
    to: str, silent: Json
) -> None:
    body = sent("chat", to, messages=[HELLO, {"role": "assistant", **silent}, AGAIN])
    assert body["messages"][1] == {"role": "assistant", "content": ""}


@pytest.mark.parametrize("other", [{"refusal": "no"}, {"audio": {"id": "a"}}])
def test_what_stands_in_place_of_a_content_passes_as_it_is(other: Json) -> None:
    answer = {"role": "assistant", "content": None, **other}
    assert sent("chat", "openai", messages=[HELLO, answer, AGAIN])["messages"][1] == answer


def test_openai_is_not_told_what_other_models_thought_and_drew() -> None:
    function = {"name": "f", "arguments": "{}"}
    call = {"id": "c", "type": "function", "function": function}
    ours = {
        "role": "assistant",
        "content": None,
        "tool_calls": [call],
        "reasoning_content": "hm",
        "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}],
        "annotations": [],
    }
    result = {"role": "tool", "tool_call_id": "c", "content": "done"}
    body = sent("chat", "openai", messages=[HELLO, ours, result])
    assert body["messages"][1] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [call],
        "annotations": [],
    }
    assert sent("chat", "compatible", messages=[HELLO, ours, result])["messages"][1] == ours


def test_thoughts_of_mistral_are_no_part_of_what_another_model_is_told() -> None:
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "four"}]
    body = sent("chat", "anthropic", messages=[HELLO, {"role": "assistant", "content": parts}])
    assert body["messages"][1]["content"] == [{"type": "text", "text": "four"}]


def test_an_answer_of_ours_without_text_has_an_empty_content() -> None:
    answer = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    body = heard("chat", "anthropic", answer, messages=[HELLO])
    assert body["choices"][0]["message"]["content"] == ""


@pytest.mark.parametrize("arguments", ['{"x": "ab', "null", "[1]", "7", None, [1], {"x": 1}])
@pytest.mark.parametrize("to", ["compatible", *TRANSLATED])
def test_arguments_that_were_cut_do_not_end_a_session(to: str, arguments: Any) -> None:
    said = in_items({**CALL, "arguments": arguments}, OUTPUT, to=to)
    assert "done" in said


@pytest.mark.parametrize("arguments", ['{"x": "ab', [1], {"x": 1}, None])
def test_arguments_that_were_cut_do_not_end_a_chat(arguments: Any) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    result = {"role": "tool", "tool_call_id": "c", "content": "done"}
    messages = [HELLO, {"role": "assistant", "tool_calls": [call]}, result]
    assert "done" in msgspec.json.encode(sent("chat", "anthropic", messages=messages)).decode()


@pytest.mark.parametrize("type_", [{}, {"type": None}], ids=["none", "null"])
@pytest.mark.parametrize("to", [*TRANSLATED])
def test_a_call_without_a_type_does_not_end_a_chat(to: str, type_: Json) -> None:
    call = {"id": "c", "function": {"name": "f", "arguments": "{}"}} | type_
    result = {"role": "tool", "tool_call_id": "c", "content": "done"}
    messages = [HELLO, {"role": "assistant", "tool_calls": [call]}, result]
    assert "done" in msgspec.json.encode(sent("chat", to, messages=messages)).decode()


def test_a_call_of_nothing_is_refused_by_its_field() -> None:
    messages = [HELLO, {"role": "assistant", "tool_calls": [{"id": "c", "type": "function"}]}]
    with pytest.raises(Failure) as caught:
        sent("chat", "anthropic", messages=messages)
    assert caught.value.param == "messages[1].tool_calls[0].function"


@pytest.mark.parametrize("given", ['{"x": "ab', '{"x": 1}', [1], None, ...])
@pytest.mark.parametrize("to", ["openai", "compatible", "gemini", "bedrock"])
def test_an_input_that_was_cut_does_not_end_a_conversation_of_messages(to: str, given: Any) -> None:
    use: Json = {"type": "tool_use", "id": "c", "name": "f", "input": given}
    if given is ...:
        del use["input"]
    result = {"type": "tool_result", "tool_use_id": "c", "content": "done"}
    turns = [HELLO, {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    said = msgspec.json.encode(sent("messages", to, max_tokens=9, messages=turns)).decode()
    assert "done" in said
    assert ("INVALID_JSON" in said) == (given == '{"x": "ab' or given == [1]) or to == "openai"


def test_calls_with_one_id_do_not_end_a_chat() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    results = [{"role": "tool", "tool_call_id": "c", "content": said} for said in ("one", "two")]
    messages = [HELLO, {"role": "assistant", "tool_calls": [call, call]}, *results]
    asked, answered = sent("chat", "anthropic", messages=messages)["messages"][1:]
    assert [part["id"] for part in asked["content"]] == ["c", "c_2"]
    told = [(part["tool_use_id"], part["content"][0]["text"]) for part in answered["content"]]
    assert told == [("c", "one"), ("c_2", "two")]


@pytest.mark.parametrize("to", ["openai", "bedrock", "gemini"])
def test_calls_with_one_id_do_not_end_a_conversation_of_messages(to: str) -> None:
    call = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
    results = [{"type": "tool_result", "tool_use_id": "c", "content": it} for it in ("one", "two")]
    messages = [
        HELLO,
        {"role": "assistant", "content": [call, call]},
        {"role": "user", "content": results},
    ]
    said = msgspec.json.encode(sent("messages", to, max_tokens=9, messages=messages)).decode()
    assert said.index("one") < said.index("two")
    if to != "gemini":  # which knows calls by their order
        assert said.count('"c"') == said.count('"c_2"') == 2


def test_calls_with_one_id_do_not_end_a_session() -> None:
    call = {**CALL, "arguments": "{}"}
    said = in_items(call, call, OUTPUT, OUTPUT)
    assert said.count('"call_1"') == said.count('"call_1_2"') == 2


def test_arguments_that_were_cut_are_wrapped_as_clients_of_messages_get_them() -> None:
    items = [HELLO, {**CALL, "arguments": '{"x": "ab'}, OUTPUT]
    body = sent("responses", "anthropic", input=items)
    assert body["messages"][1]["content"][0]["input"] == {"INVALID_JSON": '{"x": "ab'}


def test_a_message_between_agents_is_one_of_the_user_and_read_in_full() -> None:
    parts = [
        {"type": "input_text", "text": "go"},
        {"type": "encrypted_content", "encrypted_content": "list files"},
    ]
    told = {"type": "agent_message", "author": "/a", "recipient": "/a/b", "content": parts}
    body = sent("responses", "anthropic", input=[told])
    assert body["messages"] == [
        {
            "role": "user",
            "content": [{"type": "text", "text": "go"}, {"type": "text", "text": "list files"}],
        }
    ]


def test_the_result_of_a_call_may_be_of_parts_that_agents_write() -> None:
    parts = [
        {"type": "encrypted_content", "encrypted_content": "found it"},
        {"type": "later_invention", "text": "and more"},
        {"type": "silent_invention", "data": 1},
    ]
    said = in_items({**CALL, "arguments": "{}"}, {**OUTPUT, "output": parts})
    assert "found it" in said
    assert "and more" in said


@pytest.mark.parametrize(
    "item",
    [
        {"type": "agent_reasoning", "text": "hm"},
        {"type": "context_compaction"},
        {"type": "mcp_list_tools", "server_label": "s", "tools": []},
        {"type": "mcp_call", "id": "mcp_1", "name": "f", "arguments": "{}", "output": "x"},
        {"type": "program", "id": "p", "code": "x"},
        {"type": "tool_search_call", "execution": "server", "call_id": None, "arguments": {}},
        {"type": "tool_search_output", "execution": "server", "call_id": None, "tools": []},
        {"type": "ghost_snapshot", "commit": "x"},
        {"type": "later_invention"},
    ],
)
def test_a_record_that_no_model_needs_does_not_end_a_session(item: Json) -> None:
    said = in_items(item)
    assert "hello" in said
    assert "again" in said


@pytest.mark.parametrize("kind", ["compaction", "compaction_summary", "context_compaction"])
def test_what_stands_for_a_whole_history_is_never_left_out(kind: str) -> None:
    with pytest.raises(Failure) as refused:
        in_items({"type": kind, "encrypted_content": "gAAA"})
    assert refused.value.code == "invalid_encrypted_content"


@pytest.mark.parametrize(
    "item",
    [
        {"id": "msg_1"},
        {"type": "mcp_approval_request", "id": "x"},
        {"type": "computer_call", "call_id": "c"},
        {"type": "compaction_trigger"},
    ],
)
def test_an_item_that_asks_for_what_there_is_not_is_refused(item: Json) -> None:
    with pytest.raises(Failure) as refused:
        in_items(item)
    assert (refused.value.status, refused.value.param) == (400, "input[1]")


def test_thoughts_without_a_signature_do_not_meet_a_provider_that_looks_for_them() -> None:
    asked = RESPONSES.parse_request(msgspec.json.encode({"model": "m", "input": "hi"}))
    parts = (Reasoning(text="hm"), Text(text="four"))
    answer = Answer(id="a", model="gemini", choices=(Choice(parts=parts, stop="end"),))
    output = msgspec.json.decode(RESPONSES.render_response(answer, asked))["output"]
    assert [item["type"] for item in output] == ["reasoning", "message"]
    (body,) = way("responses", "native").encode(request(input=[HELLO, *output, AGAIN]))
    kept = [item.get("type") for item in msgspec.json.decode(body)["input"]]
    assert kept == [None, "message", None]


OF_VLLM = [f"chatcmpl-tool-{digit * 32}" for digit in "ab"]
"""Ids of calls as vLLM gives them, of 46 characters."""


def chat_with(ids: list[str], **more: str) -> list[Json]:
    """A chat in which calls with these ids were answered."""
    calls = [{"id": id_, "type": "function", "function": FUNCTION} for id_ in ids]
    results = [{"role": "tool", "tool_call_id": id_, "content": "Noon."} for id_ in ids]
    hello: Json = {"role": "user", "content": "When?"}
    return [hello, {"role": "assistant", "content": None, "tool_calls": calls, **more}, *results]


FUNCTION: Json = {"name": "now", "arguments": "{}"}


@pytest.mark.parametrize("more", [{}, {"reasoning_content": "Hm."}])
def test_openai_is_told_ids_that_it_takes_of_calls_of_another_s(more: Json) -> None:
    body = sent("chat", "openai", messages=chat_with(OF_VLLM, **more), unheard_of=1)
    _, answer, *results = body["messages"]
    ids = [call["id"] for call in answer["tool_calls"]]
    assert [result["tool_call_id"] for result in results] == ids
    assert len(set(ids)) == 2
    assert all(len(id_) <= 40 for id_ in ids)
    assert (answer["tool_calls"][0]["function"], body["unheard_of"]) == (FUNCTION, 1)


def test_ids_that_are_short_and_those_for_other_servers_stay() -> None:
    short = chat_with(["call_" + "x" * 35])
    assert sent("chat", "openai", messages=short)["messages"] == short
    long = chat_with(OF_VLLM)
    assert sent("chat", "compatible", messages=long)["messages"] == long


LONG = "x" * 200


def items_with_ids(id_: str, call_id: str) -> list[Json]:
    """A history of Responses: what was thought, a call that was answered, and a word."""
    return [
        HELLO,
        {"type": "reasoning", "id": f"rs_{id_}", "summary": []},
        {"type": "function_call", "id": f"fc_{id_}", "call_id": call_id, **FUNCTION},
        {"type": "function_call_output", "call_id": call_id, "output": f'"id": "{LONG}"'},
    ]


def responses_sent(upstream: str, items: list[Json]) -> list[Json]:
    """The items that a provider of Responses gets."""
    (body,) = way("responses", upstream).encode(request(input=items))
    return list(msgspec.json.decode(body)["input"])


def test_openai_is_told_ids_of_items_that_it_takes_of_items_of_another_s() -> None:
    items = responses_sent("native", items_with_ids(LONG, f"call_{LONG}"))
    ids = [each[name] for each in items for name in ("id", "call_id") if name in each]
    assert [len(id_) for id_ in ids] == [64] * 4
    assert [id_[:3] for id_ in ids] == ["rs_", "fc_", "cal", "cal"]
    assert items[2]["call_id"] == items[3]["call_id"]
    assert items[3]["output"] == f'"id": "{LONG}"'


def test_short_ids_of_items_stay() -> None:
    given = items_with_ids("x" * 61, "c" * 64)
    assert responses_sent("native", given) == given
