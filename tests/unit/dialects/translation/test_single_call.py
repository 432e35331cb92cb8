"""A client that takes one call at a time gets the first, whole and as a stream."""

from __future__ import annotations

from collections.abc import Iterator

from airouter.dialects import events
from airouter.dialects.assembly import Assembly
from airouter.dialects.conversation import Answer, Choice, Part, Text, ToolCall
from airouter.dialects.translation.single_call import OneCall, with_one_call

FIRST = ToolCall(id="1", name="weather", arguments="{}")
SECOND = ToolCall(id="2", name="time", arguments="{}")
MANY = (
    (Text(text="Look."), FIRST, SECOND, Text(text="Done.")),
    (SECOND, FIRST, FIRST),
    (Text(text="No call."),),
)


def as_stream(*choices: tuple[Part, ...]) -> Iterator[events.Event]:
    """What a provider says, choice by choice."""
    yield events.Begun(id="a", model="m")
    for choice, parts in enumerate(choices):
        for at, part in enumerate(parts):
            yield events.PartBegun(at=at, part=part, choice=choice)
            more = events.ArgumentsDelta if isinstance(part, ToolCall) else events.TextDelta
            yield more(at=at, text="", choice=choice)
            yield events.PartEnded(at=at, choice=choice)
        yield events.Stopped(stop="tool_calls", choice=choice)
    yield events.Ended()


def test_all_calls_but_the_first_of_each_choice_are_left_out() -> None:
    choices = tuple(
        Choice(parts=parts, stop="tool_calls", index=index) for index, parts in enumerate(MANY)
    )
    answer = with_one_call(Answer(id="a", model="m", choices=choices))
    assert [choice.parts for choice in answer.choices] == [
        (Text(text="Look."), FIRST, Text(text="Done.")),
        (SECOND,),
        (Text(text="No call."),),
    ]


def test_a_stream_says_the_same_without_a_gap() -> None:
    stage, assembly = OneCall(), Assembly()
    begun: list[tuple[int, int]] = []
    for event in (out for each in as_stream(*MANY) for out in stage.feed(each)):
        assembly.feed(event)
        if isinstance(event, events.PartBegun):
            begun.append((event.choice, event.at))
    assert begun == [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0)]
    assert [choice.parts for choice in assembly.answer().choices] == [
        (Text(text="Look."), FIRST, Text(text="Done.")),
        (SECOND,),
        (Text(text="No call."),),
    ]
