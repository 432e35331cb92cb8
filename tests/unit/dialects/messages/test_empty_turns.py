"""Messages without content, which a history may not have."""

from __future__ import annotations

import json

import msgspec
import pytest

from airouter.dialects.conversation import Json
from airouter.dialects.messages.empty_turns import without_empty_turns


def user(content: object) -> Json:
    return {"role": "user", "content": content}


def left_of(*messages: Json) -> list[Json]:
    given = msgspec.Raw(json.dumps(messages).encode())
    left: list[Json] = msgspec.json.decode(without_empty_turns(given))
    return left


@pytest.mark.parametrize("nothing", [[], ""])
def test_messages_without_content_are_left_out_of_a_history(nothing: object) -> None:
    empty = {"role": "assistant", "content": nothing}
    assert left_of(user("Hello!"), empty, user("Well?")) == [user("Hello!"), user("Well?")]


def test_the_last_message_stays_so_that_nobody_goes_on_with_an_answer_that_is_over() -> None:
    messages = user("Hello!"), {"role": "assistant", "content": "Hi!"}, user("")
    assert left_of(*messages) == list(messages)


@pytest.mark.parametrize(
    "messages",
    [
        b'[{"role": "user", "content": [{"type": "text", "text": "x", "content": []}]}, {}]',
        b'[{"content": ""}]',
        b"[]",
        b'"content": []',
        b'{"content": []}',
    ],
)
def test_where_none_is_to_go_they_pass_to_the_byte(messages: bytes) -> None:
    assert bytes(without_empty_turns(msgspec.Raw(messages))) == messages
