"""Counting tokens: what Anthropic is asked, and how its answer is read."""

from __future__ import annotations

import msgspec
import pytest

from airouter.dialects.conversation import Destination, Hints
from airouter.dialects.messages import COUNTED
from airouter.dialects.messages.counting import parse_count
from airouter.interfaces import BrokenReply
from unit.dialects.messages.asking import SONNET, asked


def test_counting_sends_nothing_but_what_is_counted() -> None:
    conversation = asked(max_tokens=5, stream=True, stop=("END",), hints=Hints(user="u"))
    body = msgspec.json.decode(COUNTED.render_request(conversation, Destination(model=SONNET)))
    assert set(body) == {"model", "messages"}


def test_the_number_is_read() -> None:
    assert parse_count(b'{"input_tokens":12}') == 12


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'{"input_tokens":null}',
        b"\xff",
        b'{"input_tokens":1,"x":' + b"[" * 200_000,
    ],
)
def test_an_answer_without_a_number_is_broken(body: bytes) -> None:
    with pytest.raises(BrokenReply):
        parse_count(body)
