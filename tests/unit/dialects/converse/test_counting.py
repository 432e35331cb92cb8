"""CountTokens, which is asked with a part of what Converse would be."""

from __future__ import annotations

import msgspec
import pytest

from airouter.dialects.conversation import Conversation, Destination, HostedTool, Json, Unsupported
from airouter.dialects.converse.counting import parse_count, render_count
from airouter.interfaces import BrokenReply
from support.converse_shapes import problems
from unit.dialects.converse.asking import HERE, SONNET, WEATHER, asked, said_by, say


def counted(conversation: Conversation) -> Json:
    body: Json = msgspec.json.decode(
        render_count(conversation, Destination(model=SONNET, maker=HERE))
    )
    assert problems("CountTokens", body) == []
    found: Json = body["input"]["converse"]
    return found


def test_what_is_said_is_counted() -> None:
    turns = say("system", "Be brief."), say("user", "Hello")
    assert counted(asked(*turns)) == {
        "system": [{"text": "Be brief."}],
        "messages": [said_by("user", {"text": "Hello"})],
    }


def test_tools_are_counted_too() -> None:
    assert len(counted(asked(tools=(WEATHER,)))["toolConfig"]["tools"]) == 1


def test_how_to_answer_does_not_count() -> None:
    asking = asked(max_tokens=5, stop=("END",))
    assert counted(asking) == {"messages": [said_by("user", {"text": "Hello"})]}


def test_what_cannot_be_asked_cannot_be_counted() -> None:
    tool = HostedTool(kind="web_search", dialect="messages", native={})
    with pytest.raises(Unsupported, match="web_search"):
        counted(asked(tools=(tool,)))


def test_the_number_is_read() -> None:
    assert parse_count(b'{"inputTokens":42}') == 42


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'{"inputTokens":null}',
        b'{"inputTokens":"x"}',
        b"\xff",
        b'{"inputTokens":1,"x":' + b"[" * 200_000,
    ],
)
def test_an_answer_without_a_number_is_broken(body: bytes) -> None:
    with pytest.raises(BrokenReply):
        parse_count(body)
