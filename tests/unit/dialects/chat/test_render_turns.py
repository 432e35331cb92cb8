"""The order that OpenAI demands: calls, and right after them what they gave."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.dialects.chat import COMPATIBLE, UPSTREAM
from airouter.dialects.conversation import Json, Unsupported
from airouter.dialects.dialect import UpstreamDialect
from unit.dialects.chat.asking import in_messages, in_responses, sent

PIXEL = "data:image/png;base64,iVBORw0KGgo="
PICTURE: Json = {"type": "input_image", "image_url": PIXEL}
SHOWN: Json = {"type": "image_url", "image_url": {"url": PIXEL}}
DIALECTS = pytest.mark.parametrize("dialect", [UPSTREAM, COMPATIBLE], ids=["openai", "compatible"])


def call(id_: str) -> Json:
    return {"type": "function_call", "call_id": id_, "name": "look", "arguments": "{}"}


def gave(id_: str, output: Any) -> Json:
    return {"type": "function_call_output", "call_id": id_, "output": output}


def user(content: Any) -> Json:
    return {"role": "user", "content": content}


def roles(body: Json) -> list[str]:
    return [message["role"] for message in body["messages"]]


@DIALECTS
def test_a_picture_that_a_call_gave_stands_after_all_results(dialect: UpstreamDialect) -> None:
    items = call("a"), call("b"), gave("a", [PICTURE]), gave("b", "Nothing.")
    body = sent(in_responses(user("Look."), *items), dialect)
    assert roles(body) == ["user", "assistant", "tool", "tool", "user"]
    assert body["messages"][-1]["content"] == [SHOWN]


@DIALECTS
def test_what_a_user_says_after_a_picture_stands_beside_it(dialect: UpstreamDialect) -> None:
    items = call("a"), gave("a", [PICTURE]), user("And now?")
    body = sent(in_responses(user("Look."), *items), dialect)
    assert body["messages"][-1]["content"] == [SHOWN, {"type": "text", "text": "And now?"}]


@DIALECTS
@pytest.mark.parametrize("role", ["user", "developer"])
def test_nothing_stands_between_calls_and_their_results(
    role: str, dialect: UpstreamDialect
) -> None:
    between = {"role": role, "content": "Be quick."}
    items = call("a"), between, gave("a", "Nothing.")
    body = sent(in_responses(user("Look."), *items), dialect)
    assert roles(body)[:3] == ["user", "assistant", "tool"]
    assert body["messages"][3]["content"] == "Be quick."


@DIALECTS
def test_results_come_first_of_what_a_message_has(dialect: UpstreamDialect) -> None:
    used = {"type": "tool_use", "id": "a", "name": "look", "input": {}}
    given = {"type": "tool_result", "tool_use_id": "a", "content": "Nothing."}
    said = [given, {"type": "text", "text": "Well?"}]
    turns = user("Look."), {"role": "assistant", "content": [used]}, user(said)
    body = sent(in_messages(*turns), dialect)
    assert roles(body) == ["user", "assistant", "tool", "user"]


@DIALECTS
def test_a_file_of_plain_text_is_text(dialect: UpstreamDialect) -> None:
    data = "data:text/csv;base64,YSxiCg=="
    file = {"type": "input_file", "filename": "a.csv", "file_data": data}
    (message,) = sent(in_responses(user([file])), dialect)["messages"]
    assert message["content"] == [{"type": "text", "text": "a.csv:\na,b\n"}]


@DIALECTS
def test_a_file_that_is_no_text_goes_as_it_is(dialect: UpstreamDialect) -> None:
    data = "data:application/pdf;base64,JVBERi0="
    file = {"type": "input_file", "filename": "a.pdf", "file_data": data}
    (message,) = sent(in_responses(user([file])), dialect)["messages"]
    assert message["content"][0]["file"] == {"filename": "a.pdf", "file_data": data}


@DIALECTS
def test_a_text_that_a_call_gave_as_a_file_is_in_its_result(dialect: UpstreamDialect) -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "a,b"}
    document = {"type": "document", "title": "a.csv", "source": source}
    assert results_of([document, {"type": "text", "text": "Two columns."}], dialect) == [
        {"role": "tool", "tool_call_id": "a", "content": "a.csv:\na,b\n\nTwo columns."}
    ]


@DIALECTS
def test_a_result_of_which_something_would_be_lost_is_refused(dialect: UpstreamDialect) -> None:
    with pytest.raises(Unsupported) as refused:
        results_of([{"type": "container_upload", "file_id": "file_1"}], dialect)
    assert refused.value.field == "messages[2]"


def results_of(content: list[Json], dialect: UpstreamDialect) -> list[Json]:
    used = {"type": "tool_use", "id": "a", "name": "look", "input": {}}
    given = {"type": "tool_result", "tool_use_id": "a", "content": content}
    turns = user("Look."), {"role": "assistant", "content": [used]}, user([given])
    found: list[Json] = sent(in_messages(*turns), dialect)["messages"][2:]
    return found


def test_files_are_fetched_also_those_in_the_result_of_a_tool() -> None:
    called = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    given = {"type": "input_file", "file_url": "https://x.example/a.pdf"}
    shown = {"type": "input_image", "image_url": "https://x.example/a.png"}
    output = {"type": "function_call_output", "call_id": "c", "output": [given, shown]}
    said = {"role": "user", "content": [{**given, "file_url": "https://x.example/b.pdf"}, shown]}
    urls = UPSTREAM.fetches(in_responses(called, output, said))
    assert urls == ["https://x.example/a.pdf", "https://x.example/b.pdf"]
