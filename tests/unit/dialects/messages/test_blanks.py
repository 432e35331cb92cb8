"""Blank texts and messages without content, which a history may not have."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import msgspec
import pytest

from airouter.dialects.conversation import Json
from airouter.dialects.messages.blanks import BLANK, remove_blanks, spoken_messages

CACHED: Json = {"cache_control": {"type": "ephemeral"}}
HELLO: Json = {"type": "text", "text": "Hello!"}
USE: Json = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
THOUGHT: Json = {"type": "thinking", "thinking": "", "signature": "s"}


def user(content: object) -> Json:
    return {"role": "user", "content": content}


def text(said: str) -> Json:
    return {"type": "text", "text": said}


def result(**fields: object) -> Json:
    return {"type": "tool_result", "tool_use_id": "t", **fields}


def left_of(*messages: Json) -> list[Json]:
    given = msgspec.Raw(json.dumps(messages).encode())
    left: list[Json] = msgspec.json.decode(spoken_messages(given))
    return left


def blocks_of(*blocks: Json) -> Any:
    (message,) = left_of(user(list(blocks)))
    return message["content"]


@pytest.mark.parametrize("nothing", [[], "", " \n", [text("")], [text("\t ")]])
def test_messages_without_content_are_left_out_of_a_history(nothing: object) -> None:
    empty = {"role": "assistant", "content": nothing}
    assert left_of(user("Hello!"), empty, user("Well?")) == [user("Hello!"), user("Well?")]


@pytest.mark.parametrize("nothing", ["", " ", [text("")]])
def test_the_last_message_stays_so_that_nobody_goes_on_with_an_answer_that_is_over(
    nothing: object,
) -> None:
    messages = user("Hello!"), {"role": "assistant", "content": "Hi!"}, user(nothing)
    assert left_of(*messages) == list(messages)


@pytest.mark.parametrize("blank", ["", " ", "\n\n\t", "\r\n"])
def test_a_blank_text_is_left_out_beside_other_blocks(blank: str) -> None:
    assert blocks_of(text(blank), HELLO, USE) == [HELLO, USE]
    assert blocks_of(HELLO, text(blank)) == [HELLO]


def test_the_cache_point_of_a_blank_text_is_at_what_is_before_it() -> None:
    assert blocks_of(USE, text("") | CACHED) == [USE | CACHED]
    longer = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    assert blocks_of(HELLO | longer, text("") | CACHED) == [HELLO | longer]
    assert blocks_of(text("") | CACHED, HELLO) == [HELLO]
    assert blocks_of(THOUGHT, text("") | CACHED) == [THOUGHT]


@pytest.mark.parametrize("nothing", ["", " ", [], [text("")], [text(" "), text("\n")]])
def test_the_result_of_a_tool_that_said_nothing_has_no_content(nothing: object) -> None:
    assert blocks_of(result(content=nothing), HELLO) == [result(), HELLO]
    failed = result(content=nothing, is_error=True)
    assert blocks_of(failed, HELLO) == [result(is_error=True, content="The tool failed."), HELLO]


def test_a_blank_text_is_left_out_of_the_result_of_a_tool() -> None:
    assert blocks_of(result(content=[text(""), HELLO])) == [result(content=[HELLO])]


@pytest.mark.parametrize(
    ("system", "kept"),
    [
        ([text(""), HELLO], [HELLO]),
        ([HELLO, text(" ") | CACHED], [HELLO | CACHED]),
        ([text("")], None),
    ],
)
def test_blank_instructions_are_left_out(system: list[Json], kept: object) -> None:
    fields = {"system": msgspec.Raw(msgspec.json.encode(system))}
    remove_blanks(fields)
    assert (msgspec.json.decode(fields["system"]) if fields else None) == kept


@pytest.mark.parametrize(
    "messages",
    [
        b'[{"role": "user", "content": [{"type": "text", "text": "x", "content": []}]}, {}]',
        b'[{"role": "assistant", "content": [{"type": "tool_use", "input": {"text": ""}}]}, {}]',
        b'[{"role": "user", "content": [7, {"type": "text", "text": "x", "content": []}]}, {}]',
        b'[{"content": ""}]',
        b"[]",
        b'"content": []',
        b'{"content": []}',
    ],
)
def test_where_none_is_to_go_they_pass_to_the_byte(messages: bytes) -> None:
    assert bytes(spoken_messages(msgspec.Raw(messages))) == messages


@pytest.mark.parametrize("white", [b" ", b"\\n"])
def test_no_memory_is_taken_to_look_whether_a_long_text_is_blank(white: bytes) -> None:
    body = b'{"text": "' + white * 500_000 + b'at last"}'
    tracemalloc.start()
    try:
        assert not BLANK.search(body)
        assert tracemalloc.get_traced_memory()[1] < len(body)
    finally:
        tracemalloc.stop()
