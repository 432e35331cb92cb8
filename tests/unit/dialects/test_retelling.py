"""Whole answers, told as streams."""

from __future__ import annotations

from airouter.dialects.assembly import Assembly
from airouter.dialects.conversation import (
    Answer,
    Choice,
    Citation,
    Image,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Signature,
    Text,
    ToolCall,
    Usage,
)
from airouter.dialects.events import Begun, Ended
from airouter.dialects.retelling import retold

SIGNED = Signature(maker="m", value="c2ln")
PARTS: tuple[Part, ...] = (
    Reasoning(text="Hm.", signature=SIGNED),
    Reasoning(summary=("One.", "Two.")),
    Reasoning(signature=Signature(maker="m", value="aGlk", redacted=True)),
    Text(text="It rained.", citations=(Citation(url="https://a.example", start=0, end=2),)),
    Text(text="Hi.", logprobs=({"token": "Hi.", "logprob": -0.1},)),
    Image(media=Media(media_type="image/png", data="aW1n")),
    ToolCall(id="a", name="weather", arguments='{"city":"Oslo"}', signature=SIGNED),
    ToolCall(id="b", name="note", arguments="text", custom=True),
    Refusal(text="No."),
    Opaque(dialect="messages", native={"type": "web_search_tool_result"}),
)


def test_a_stream_says_what_the_whole_answer_said() -> None:
    answer = Answer(
        id="a1",
        model="m",
        created=1,
        service_tier="default",
        usage=Usage(input_tokens=3, output_tokens=5),
        choices=(
            Choice(parts=PARTS, stop="tool_calls"),
            Choice(parts=(Text(text="Or not."),), stop="stop_sequence", stop_sequence=".", index=1),
        ),
    )
    events = list(retold(answer))
    assert isinstance(events[0], Begun)
    assert isinstance(events[-1], Ended)
    assembly = Assembly()
    for event in events:
        assembly.feed(event)
    assert assembly.answer() == answer
