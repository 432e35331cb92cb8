"""Whole answers of a provider with so much in them that reading it takes gigabytes."""

from __future__ import annotations

import pytest

from airouter.dialects.raw_json import MOST_MENDED
from airouter.dialects.translation.conversing import MOST_OBJECTS
from airouter.interfaces import BrokenReply, BufferedReply
from unit.dialects.translation.crossing import request, way

HELLO = [{"role": "user", "content": "hi"}]


def with_calls(number: int) -> BufferedReply:
    """A completion with calls that say nothing."""
    calls = b",".join([b"{}"] * number)
    body = (
        b'{"id":"c","object":"chat.completion","choices":[{"index":0,"finish_reason":"tool_calls",'
        b'"message":{"role":"assistant","content":null,"tool_calls":[%b]}}],'
        b'"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}' % calls
    )
    return BufferedReply(200, {}, body)


def test_an_answer_of_very_many_calls_passes_through_as_it_is() -> None:
    asked = request(messages=HELLO)
    passing = way("chat", "compatible")
    mended, vast = with_calls(2), with_calls(MOST_MENDED)
    assert passing.answer(asked, [mended]).body != mended.body
    assert passing.answer(asked, [vast]).body == vast.body


@pytest.mark.parametrize("api", ["messages", "responses"])
def test_an_answer_of_very_many_calls_is_not_translated(api: str) -> None:
    asked = request(input="hi") if api == "responses" else request(messages=HELLO, max_tokens=9)
    with pytest.raises(BrokenReply, match="too many objects"):
        way(api, "compatible").answer(asked, [with_calls(MOST_OBJECTS)])
