"""Single events of a provider that would take long to read: refused, or passed on as they are."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.dialects.escapes import MOST_ESCAPES, SplitEscapes
from airouter.dialects.forwarding import MOST_MENDED
from airouter.dialects.framing import MOST_VALUES, Frame
from airouter.dialects.translation.stream_translator import MOST_EVENTS, MOST_PARTS
from airouter.interfaces import BrokenReply
from contract.services.stand_in import sse
from unit.dialects.converse.asking import event as frame
from unit.dialects.translation.crossing import request, way

HELLO: list[Any] = [{"role": "user", "content": "hi"}]
VALUES: list[Any] = [{}] * (MOST_VALUES // 4 + 1)
"""An object counts for three values, the comma after it for one."""
TOLD: dict[str, Any] = {
    "compatible": {"choices": [{"index": 0, "delta": {"content": "a"}}]},
    "anthropic": {"type": "ping"},
    "gemini": {"candidates": [{"content": {"role": "model", "parts": [{"text": "a"}]}}]},
}
CHOICE = {"index": 0, "delta": {"content": "a"}}
THOUGHT_AND_TEXT = [{"text": "a", "thought": True}, {"text": "b"}]
SAYING_MUCH: dict[str, Any] = {
    "compatible": {"choices": [CHOICE] * MOST_EVENTS},
    "gemini": {"candidates": [{"content": {"parts": THOUGHT_AND_TEXT * (MOST_EVENTS // 5)}}]},
}


def told(to: str, event: bytes) -> bytes:
    """What a client of messages gets for one event."""
    out: list[bytes] = []
    asked = request(messages=HELLO, max_tokens=9, stream=True)
    api = "chat" if to == "anthropic" else "messages"
    way(api, to).stream_filter(asked, out.append).feed(event)
    return b"".join(out)


@pytest.mark.parametrize("to", TOLD)
def test_an_event_of_very_many_values_that_is_translated_breaks_the_stream(to: str) -> None:
    with pytest.raises(BrokenReply, match="values"):
        told(to, sse({**TOLD[to], "more": VALUES}))
    told(to, sse({**TOLD[to], "more": str(VALUES)}))


def test_a_frame_of_very_many_values_breaks_the_stream() -> None:
    with pytest.raises(BrokenReply, match="values"):
        told("bedrock", frame("messageStart", role="assistant", more=VALUES))
    assert told("bedrock", frame("messageStart", role="assistant", more=str(VALUES)))


@pytest.mark.parametrize("to", SAYING_MUCH)
def test_an_event_that_says_very_much_breaks_the_stream(to: str) -> None:
    with pytest.raises(BrokenReply, match="too much"):
        told(to, sse(SAYING_MUCH[to]))


def test_an_answer_of_very_many_parts_breaks_the_stream() -> None:
    event = sse({"candidates": [{"content": {"parts": THOUGHT_AND_TEXT}}]})
    asked = request(messages=HELLO, max_tokens=9, stream=True)
    reading = way("messages", "gemini").stream_filter(asked, list[bytes]().append)
    reading.feed(event * (MOST_PARTS // len(THOUGHT_AND_TEXT)))
    with pytest.raises(BrokenReply, match="parts"):
        reading.feed(event)


PASSING: dict[str, dict[str, Any]] = {
    "chat": {"choices": [CHOICE]},
    "messages": {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "a"}},
    "responses": {"type": "response.created", "response": {"id": "r", "output": []}},
}


def passed(api: str, *events: bytes) -> list[bytes]:
    """What a client gets of a stream in its own dialect."""
    out: list[bytes] = []
    asked = {"input": "hi"} if api == "responses" else {"messages": HELLO, "max_tokens": 9}
    to = {"chat": "compatible", "messages": "anthropic", "responses": "native"}[api]
    told = way(api, to).stream_filter(request(stream=True, **asked), out.append)
    for each in events:
        told.feed(each)
    return out


@pytest.mark.parametrize("api", PASSING)
def test_an_event_of_very_many_values_passes_through(api: str) -> None:
    event = sse({**PASSING[api], "more": VALUES})
    assert passed(api, event) == [event]


def test_very_many_calls_in_one_event_pass_as_they_are() -> None:
    calls = [{"index": 1}] * (MOST_MENDED // 6)
    few, many = (
        sse({"choices": [{"index": 0, "delta": {"tool_calls": calls[:number]}}]})
        for number in (1, len(calls))
    )
    assert passed("chat", few) != [few]
    assert passed("chat", many, few) == [many, few]


@pytest.mark.parametrize("kind", ["added", "done"])
def test_a_call_beside_very_many_values_passes_as_it_is(kind: str) -> None:
    item = {"type": "function_call", "name": "f", "arguments": ""}
    told = {"type": f"response.output_item.{kind}", "output_index": 0, "item": item}
    many = sse({**told, "more": [1] * MOST_MENDED})
    assert passed("responses", sse(told)) != [sse(told)]
    assert passed("responses", many) == [many]


def test_a_half_of_a_character_among_very_many_escapes_stays() -> None:
    half, escapes = rb"\ude00", rb"\n" * MOST_ESCAPES
    few, many = (Frame(b"", b'"%b%b"' % (half, escapes[:size])) for size in (2, len(escapes)))
    assert SplitEscapes().whole(few) == Frame(b"", rb'"\ufffd\n"')
    assert SplitEscapes().whole(many) == many
    pair = Frame(b"", b'"%b%b"' % (rb"\ud83d\ude00", escapes))
    assert SplitEscapes().whole(pair) == pair
