"""Contents in pieces that pass through: text for the client, thoughts beside it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airouter.dialects.conversation import Json
from airouter.failures import Failure
from contract.services.stand_in import sse
from unit.dialects.translation.crossing import heard, request, way

DONE = b"data: [DONE]\n\n"
THOUGHT: Json = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm, "}], "closed": True}
WELL: Json = {"type": "text", "text": "Well."}
SOURCE: Json = {"type": "reference", "reference_ids": [1]}
CALL: Json = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
ASKED: Json = {"messages": [{"role": "user", "content": "Hi"}]}


def whole(content: Any, **more: Any) -> Json:
    message = {"role": "assistant", "content": content, **more}
    return {"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


def told(content: Any, to: str = "compatible", **more: Any) -> Json:
    """The message that a client gets."""
    found: Json = heard("chat", to, whole(content, **more), **ASKED)["choices"][0]["message"]
    return found


@pytest.mark.parametrize(
    ("content", "text", "thought"),
    [
        ([THOUGHT, WELL], "Well.", "Hm, "),
        ([WELL, SOURCE, WELL], "Well.Well.", None),
        ([THOUGHT], "", "Hm, "),
        ([{"type": "thinking", "thinking": "Hm, "}, WELL], "Well.", "Hm, "),
        ([], "", None),
        ("Well.", "Well.", None),
        (None, None, None),
    ],
)
def test_a_whole_content_is_text_and_its_thoughts_stand_beside_it(
    content: Any, text: str | None, thought: str | None
) -> None:
    message = told(content)
    assert (message["content"], message.get("reasoning_content")) == (text, thought)


def test_a_call_after_nothing_but_thoughts_has_no_content() -> None:
    message = told([THOUGHT], tool_calls=[CALL])
    assert message["content"] is None
    assert (message["reasoning_content"], message["tool_calls"]) == ("Hm, ", [CALL])


def test_a_piece_that_is_no_text_stays_as_it_came() -> None:
    picture = [WELL, {"type": "image_url", "image_url": "https://x.test/a.png"}]
    assert told(picture)["content"] == picture


def test_what_the_model_says_of_such_a_content_is_no_such_content() -> None:
    said = '{"content":[{"type":"text","text":"x"}]}'
    assert told(said)["content"] == said


def chunk(content: Any, end: str | None = None, **delta: Any) -> Json:
    choice = {"index": 0, "delta": {"content": content, **delta}, "finish_reason": end}
    return {"id": "c", "object": "chat.completion.chunk", "choices": [choice], "unheard_of": 1}


def streamed(*events: bytes, usage: bool = False) -> list[Json]:
    """The chunks that a client gets."""
    options = {"stream_options": {"include_usage": True}} if usage else {}
    asked, passing = request(**ASKED, stream=True, **options), way("chat", "compatible")
    passing.encode(asked)
    out: list[bytes] = []
    stream = passing.stream_filter(asked, out.append)
    for event in events:
        stream.feed(event)
    stream.finish()
    lines = b"".join(out).splitlines()
    return [json.loads(line[6:]) for line in lines if line[:6] == b"data: " and b"DONE" not in line]


@pytest.mark.parametrize("usage", [True, False])
@pytest.mark.parametrize("at_once", [True, False])
def test_every_piece_of_a_stream_is_text_or_a_thought(usage: bool, at_once: bool) -> None:
    events = [
        sse(chunk("", role="assistant")),
        sse(chunk([THOUGHT])),
        sse(chunk([WELL])),
        sse(chunk(" Bye.")),
        sse(chunk([], "stop")) + DONE,
    ]
    found = streamed(b"".join(events)) if at_once else streamed(*events, usage=usage)
    deltas = [each["choices"][0]["delta"] for each in found]
    assert [delta["content"] for delta in deltas] == ["", "", "Well.", " Bye.", ""]
    assert [delta.get("reasoning_content") for delta in deltas] == [None, "Hm, ", None, None, None]
    assert all(each["unheard_of"] == 1 for each in found)


ODD: Json = {"object": "of.tomorrow", "content": [WELL], "more": []}


def test_an_event_without_choices_passes_as_it_came() -> None:
    assert streamed(sse(ODD), sse(chunk([WELL], "stop")))[0] == ODD


def test_an_error_with_a_content_in_place_of_an_answer_is_the_provider_s() -> None:
    with pytest.raises(Failure, match="Overloaded"):
        heard("chat", "compatible", {"error": {"message": "Overloaded", "content": []}}, **ASKED)


def test_openai_s_own_answers_are_looked_at_no_further() -> None:
    assert told([THOUGHT, WELL], to="openai")["content"] == [THOUGHT, WELL]
