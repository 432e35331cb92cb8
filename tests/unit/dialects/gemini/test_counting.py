"""Counting tokens, in the forms of both services."""

from __future__ import annotations

import msgspec
import pytest

from airouter.dialects.conversation import Destination, Hints, ToolChoice, Unsupported
from airouter.dialects.gemini.counting import parse_count, render_count, render_vertex_count
from airouter.interfaces import BrokenReply
from unit.dialects.gemini.asking import FLASH, WEATHER, asked, body_of, say

CONVERSATION = asked(
    say("system", "Be brief."),
    say("user", "Hello"),
    tools=(WEATHER,),
    tool_choice=ToolChoice(mode="required"),
    hints=Hints(metadata={"team": "a"}),
)


def test_ai_studio_counts_a_whole_request() -> None:
    body = msgspec.json.decode(render_count(CONVERSATION, Destination(model=FLASH)))
    assert body == {
        "generateContentRequest": {"model": f"models/{FLASH}", **body_of(CONVERSATION)},
    }


def test_vertex_counts_what_it_has_fields_for() -> None:
    body = msgspec.json.decode(render_vertex_count(CONVERSATION, Destination(model=FLASH)))
    assert sorted(body) == ["contents", "systemInstruction", "tools"]


def test_what_cannot_be_sent_cannot_be_counted() -> None:
    with pytest.raises(Unsupported):
        render_count(asked(extensions={"prediction": {}}), Destination(model=FLASH))


def test_the_count_is_the_total() -> None:
    assert parse_count(b'{"totalTokens": 31, "totalBillableCharacters": 90}') == 31


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'"a"',
        b'{"totalTokens": null}',
        b"\xff",
        b'{"totalTokens":1,"x":' + b"[" * 200_000,
    ],
)
def test_an_answer_without_a_count_is_broken(body: bytes) -> None:
    with pytest.raises(BrokenReply):
        parse_count(body)
